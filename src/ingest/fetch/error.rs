//! Why a document could not be retrieved, each case under its name.

use std::error::Error;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use crate::ingest::fetch::guard::Forbidden;
use crate::model::feed::{FeedUrl, FeedUrlError};
use crate::model::poll::Failure;

/// Redirects that are followed.
pub(super) const MAX_REDIRECTS: usize = 10;

/// Why a document could not be retrieved.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address is inside somebody's network.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A redirect leads to what is no address of a feed.
    #[error("a redirect leads to an address that cannot be polled")]
    Redirect(#[from] FeedUrlError),
    /// A redirect leads from https to http.
    #[error("a redirect leads from https to the unprotected {0}")]
    Downgrade(FeedUrl),
    /// Redirects lead in a circle.
    #[error("redirects lead in a circle, back to {0}")]
    Circle(FeedUrl),
    /// Redirects lead too far.
    #[error("more than {MAX_REDIRECTS} redirects")]
    TooManyRedirects,
    /// An answer that is no document.
    #[error("the publisher answered {status}{}", .excerpt.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Status {
        /// The HTTP status.
        status: u16,
        /// The beginning of what came with it, for the operator.
        excerpt: Option<String>,
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The document passed the limit; nothing of it was kept.
    #[error("the document has more than {0} bytes (max_body_bytes)")]
    TooLarge(u64),
    /// The answer took too long.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// A file with credentials or certificates cannot be used.
    #[error("cannot use {0}, which its configuration names")]
    Credentials(PathBuf, #[source] Box<dyn Error + Send + Sync>),
    /// No usable answer arrived; worth another try at the next poll.
    #[error("{}: {cause}", .how.sentence())]
    Transport {
        /// Its name.
        how: Transport,
        /// What the system or the library said in the end.
        cause: String,
    },
}

/// How a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// No address, no way there.
    Unreachable,
    /// Nobody listens.
    Refused,
    /// Broke off.
    Reset,
    /// Not safe.
    Tls,
    /// The body is not what its coding or length say.
    BrokenBody,
    /// The connection took too long.
    Timeout,
}

impl Transport {
    fn sentence(self) -> &'static str {
        match self {
            Self::Unreachable => "the host cannot be reached",
            Self::Refused => "nobody listens there",
            Self::Reset => "the connection broke off",
            Self::Tls => "the connection is not safe",
            Self::BrokenBody => "the answer is broken",
            Self::Timeout => "no connection in time",
        }
    }
}

impl FetchError {
    /// Its name.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Forbidden(_) => Failure::PrivateAddress,
            Self::Redirect(_) | Self::Downgrade(_) | Self::Circle(_) | Self::TooManyRedirects => Failure::Redirect,
            // Said by what redirects led to, not of the feed.
            Self::Status { status: 410, .. } => Failure::Missing,
            Self::Status { status, .. } => Failure::of_status(*status),
            Self::TooLarge(_) => Failure::TooLarge,
            Self::Timeout(_) => Failure::Timeout,
            Self::Credentials(..) => Failure::Credentials,
            Self::Transport { how, .. } => match how {
                Transport::Unreachable => Failure::Unreachable,
                Transport::Refused => Failure::Refused,
                Transport::Reset => Failure::Reset,
                Transport::Tls => Failure::Tls,
                Transport::BrokenBody => Failure::BrokenBody,
                Transport::Timeout => Failure::Timeout,
            },
        }
    }

    /// The HTTP status, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// How long the publisher asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Finds the name of what went wrong in the chain of its causes.
pub(super) fn transport(error: reqwest::Error) -> FetchError {
    let mut how = if error.is_timeout() {
        Transport::Timeout
    } else if error.is_connect() {
        Transport::Unreachable
    } else if error.is_decode() || error.is_body() {
        Transport::BrokenBody
    } else {
        Transport::Reset
    };
    let error = error.without_url();
    let (mut cause, mut last): (Option<&(dyn Error + 'static)>, _) = (Some(&error), String::new());
    while let Some(error) = cause {
        // The outer ones say only where in the library it happened.
        last = error.to_string();
        if let Some(forbidden) = error.downcast_ref::<Forbidden>() {
            return FetchError::Forbidden(forbidden.clone());
        }
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            how = of_io(io).unwrap_or(how);
        }
        if error.is::<rustls::Error>() {
            how = Transport::Tls;
        }
        cause = error.source();
    }
    FetchError::Transport { how, cause: last }
}

/// What an error of the system is called. What is wrapped in another counts, however deep: the chain of causes passes over it.
fn of_io(error: &std::io::Error) -> Option<Transport> {
    let inner = error.get_ref();
    if inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
        return Some(Transport::Tls);
    }
    if let Some(inner) = inner.and_then(|inner| inner.downcast_ref()) {
        return of_io(inner);
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => Some(Transport::Refused),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => Some(Transport::Reset),
        ErrorKind::TimedOut => Some(Transport::Timeout),
        _ => None,
    }
}
