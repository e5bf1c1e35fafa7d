//! Sends mails: to a server by SMTP, or into a directory. The only door to lettre's transports.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::{PoolConfig, client::Tls, client::TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::config::{MailConfig, SmtpConfig, SmtpSecurity, Transport};
use crate::output::RenderedMail;

/// Longest wait for one answer of a server.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Idle connections are closed before servers do it, so that none is found dead.
const IDLE: Duration = Duration::from_secs(20);

/// Sends mails.
#[derive(Debug)]
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Directory(PathBuf),
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
}

/// A mail with its envelope, as bytes that can be kept and sent again.
#[derive(Debug, Clone)]
pub struct Mail {
    envelope: Envelope,
    /// Name of its file, where mails go into a directory.
    file_name: String,
    bytes: Vec<u8>,
}

impl Mail {
    /// The mail as it goes over the wire (RFC 5322).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// When a mail is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// With growing waits.
    Later,
    /// Not at all: the server refused it for good.
    Never,
}

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It cannot be written as a mail.
    #[error("the mail to {0} cannot be written")]
    Compose(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The password cannot be read.
    #[error("cannot read the password file {0}")]
    Password(PathBuf, #[source] std::io::Error),
    /// The transport cannot be set up.
    #[error("the connection to the mail server cannot be set up")]
    Setup(#[source] lettre::transport::smtp::Error),
    /// The file cannot be written.
    #[error("cannot write {0}")]
    File(PathBuf, #[source] std::io::Error),
    /// The server did not take it.
    #[error("the mail server did not take the mail")]
    Smtp(#[source] lettre::transport::smtp::Error),
}

impl MailError {
    /// Whether it is worth another try.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            // Refusals of the login (RFC 4954) are for the operator to mend: the mail itself was not judged.
            Self::Smtp(e) => match e.status().map(u16::from) {
                Some(530 | 534 | 535 | 538) => Retry::Later,
                _ if e.is_permanent() => Retry::Never,
                _ => Retry::Later,
            },
            Self::Compose(..) => Retry::Never,
            Self::Password(..) | Self::Setup(_) | Self::File(..) => Retry::Later,
        }
    }
}

/// RFC 3834: no machine should answer.
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mailer {
    /// A mailer by the configuration. No connection is made before the first mail.
    ///
    /// # Errors
    /// When the password cannot be read, or TLS cannot be set up.
    pub fn new(config: &MailConfig) -> Result<Self, MailError> {
        let way = match &config.transport {
            Transport::Directory(path) => Way::Directory(path.clone()),
            Transport::Smtp(smtp) => Way::Smtp(Box::new(transport(smtp)?)),
        };
        Ok(Self {
            from: config.from.clone(),
            way,
        })
    }

    /// Writes a mail to one recipient.
    ///
    /// # Errors
    /// When the recipient is no address.
    pub fn compose(
        &self,
        recipient: &str,
        message_id: &str,
        date: Timestamp,
        rendered: &RenderedMail,
    ) -> Result<Mail, MailError> {
        let failed = |e: Box<dyn std::error::Error + Send + Sync>| MailError::Compose(recipient.to_owned(), e);
        let to: Mailbox = recipient
            .parse()
            .map_err(|e: lettre::address::AddressError| failed(e.into()))?;
        let html = SinglePart::builder()
            .header(ContentType::TEXT_HTML)
            .body(rendered.html.clone());
        let text = SinglePart::builder()
            .header(ContentType::TEXT_PLAIN)
            .body(rendered.text.clone());
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(rendered.subject.clone())
            .message_id(Some(message_id.to_owned()))
            .date(SystemTime::from(date))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative().singlepart(text).singlepart(html))
            .map_err(|e| failed(e.into()))?;
        let id = message_id
            .trim_matches(['<', '>'])
            .split('@')
            .next()
            .unwrap_or_default();
        Ok(Mail {
            envelope: message.envelope().clone(),
            file_name: format!("{}-{id}.eml", date.strftime("%Y-%m-%d")),
            bytes: message.formatted(),
        })
    }

    /// Sends a mail; done when the server took it, or the file is safe on disk.
    ///
    /// # Errors
    /// When it did not leave; [`MailError::retry`] says whether to try again.
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        match &self.way {
            Way::Directory(folder) => write(folder, mail).await,
            Way::Smtp(transport) => {
                let sent = transport.send_raw(&mail.envelope, &mail.bytes).await;
                sent.map(|_| ()).map_err(MailError::Smtp)
            }
        }
    }
}

fn transport(config: &SmtpConfig) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
    let parameters = || TlsParameters::new(config.host.clone()).map_err(MailError::Setup);
    let tls = match config.security {
        SmtpSecurity::Tls => Tls::Wrapper(parameters()?),
        SmtpSecurity::StartTls => Tls::Required(parameters()?),
        SmtpSecurity::PlainLoopback => Tls::None,
    };
    // "dangerous" is lettre's word for choosing the TLS mode by hand; each mode but the loopback's demands TLS.
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
        .port(config.port)
        .tls(tls)
        .timeout(Some(TIMEOUT))
        .pool_config(PoolConfig::new().max_size(2).idle_timeout(IDLE));
    if let (Some(user), Some(file)) = (&config.user, &config.password_file) {
        let password = std::fs::read_to_string(file).map_err(|e| MailError::Password(file.clone(), e))?;
        let password = password.lines().next().unwrap_or_default().to_owned();
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    Ok(builder.build())
}

/// Writes the mail beside its place and moves it there: a file with that name is whole, and written twice it is one.
async fn write(folder: &Path, mail: &Mail) -> Result<(), MailError> {
    let path = folder.join(&mail.file_name);
    let beside = folder.join(format!(".{}.part", mail.file_name));
    let written = async {
        tokio::fs::create_dir_all(folder).await?;
        let mut file = tokio::fs::File::create(&beside).await?;
        tokio::io::AsyncWriteExt::write_all(&mut file, &mail.bytes).await?;
        file.sync_all().await?;
        tokio::fs::rename(&beside, &path).await
    };
    written.await.map_err(|e| MailError::File(path.clone(), e))
}
