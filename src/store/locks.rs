//! Who else works on a database: one daemon at most, and commands beside it. The locks go with their processes, however these end.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::StoreError;

/// The two lock files of a database.
#[derive(Debug)]
pub struct Locks {
    /// Held alone by the daemon.
    daemon: File,
    /// Held together by the commands under way.
    commands: File,
}

impl Locks {
    /// Opens the lock files beside the database.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn open(database: &Path) -> Result<Self, StoreError> {
        let file = |suffix: &str| {
            let mut path: PathBuf = database.to_owned();
            path.as_mut_os_string().push(suffix);
            File::create(&path).map_err(|e| StoreError::Open(path.display().to_string(), Arc::new(e)))
        };
        Ok(Self {
            daemon: file(".lock")?,
            commands: file(".commands.lock")?,
        })
    }

    /// Takes the place of the daemon; false when there is one already.
    #[must_use]
    pub fn become_daemon(&self) -> bool {
        self.daemon.try_lock().is_ok()
    }

    /// Takes part as a command; true when no daemon runs just now.
    #[must_use]
    pub fn become_command(&self) -> bool {
        // Where locks do not work at all, nobody else holds one either.
        let _ = self.commands.try_lock_shared();
        let alone = self.daemon.try_lock_shared().is_ok();
        let _ = self.daemon.unlock();
        alone
    }

    /// Whether no command is under way, so that what is claimed belongs to nobody. For the daemon.
    #[must_use]
    pub fn no_commands(&self) -> bool {
        let alone = self.commands.try_lock().is_ok();
        let _ = self.commands.unlock();
        alone
    }
}
