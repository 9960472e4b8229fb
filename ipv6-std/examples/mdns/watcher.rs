//! Notices when interfaces or their addresses change.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time;

use crate::common::Outcome;

/// How often to look at the interfaces anyway: messages of the kernel can be lost, and only Linux sends some here.
const LOOK: Duration = Duration::from_secs(if cfg!(target_os = "linux") { 120 } else { 1 });

/// Reports changes of interfaces and their IPv6 addresses, as `ip monitor link address` does.
pub struct Watcher {
    changes: Arc<Notify>,
}

impl Watcher {
    /// Needs the event loop.
    pub fn new() -> Outcome<Self> {
        let changes = Arc::new(Notify::new());
        watch(Arc::clone(&changes))?;
        Ok(Self { changes })
    }

    /// Waits until something may have changed. One look then serves all changes before it.
    pub async fn changed(&self) {
        self.changes.notified().await;
    }
}

/// Passes the messages of the kernel on.
#[cfg(target_os = "linux")]
fn watch(changes: Arc<Notify>) -> Outcome<()> {
    use rtnetlink::{MulticastGroup, new_multicast_connection};

    let groups = [MulticastGroup::Link, MulticastGroup::Ipv6Ifaddr];
    let (connection, handle, mut messages) = new_multicast_connection(&groups)?;
    tokio::spawn(connection);
    tokio::spawn(async move {
        // The connection ends without its handle.
        let _handle = handle;
        loop {
            if let Ok(Err(_)) = time::timeout(LOOK, messages.recv()).await {
                // The connection has ended.
                time::sleep(LOOK).await;
            }
            changes.notify_one();
        }
    });
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn watch(changes: Arc<Notify>) -> Outcome<()> {
    tokio::spawn(async move {
        loop {
            time::sleep(LOOK).await;
            changes.notify_one();
        }
    });
    Ok(())
}
