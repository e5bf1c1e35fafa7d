//! Connections, and how they are set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// How long a connection waits for another process's transaction.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Prepared statements that a connection remembers.
const STATEMENTS: usize = 128;

/// Opens a connection that may write.
pub(super) fn open(path: &Path, patience: Duration) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(patience)?;
    db.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on;
         pragma wal_autocheckpoint = 8000; pragma cache_size = -16000; pragma temp_store = memory;
         pragma journal_size_limit = 67108864;",
    )?;
    plan_once(&db)?;
    Ok(db)
}

/// A statement is planned once and not again for each value that is bound to it.
fn plan_once(db: &Connection) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(|_| ())
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|db| {
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
        Ok(db)
    });
    let db = match (opened, still(path)) {
        // The log cannot even be made: nobody else could be writing, or it would be there.
        (Err(_), Some(still)) => Connection::open_with_flags(still, flags | OpenFlags::SQLITE_OPEN_URI)?,
        (opened, _) => opened?,
    };
    db.execute_batch("pragma query_only = on; pragma cache_size = -4000; pragma temp_store = memory;")?;
    plan_once(&db)?;
    Ok(db)
}

/// The address of a database that nothing changes: nobody has a log of changes beside it.
fn still(path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let mut log = path.clone();
    log.as_mut_os_string().push("-wal");
    let mut url = url::Url::from_file_path(&path).ok().filter(|_| !log.exists())?;
    url.set_query(Some("immutable=1"));
    Some(url.into())
}
