//! Accepting connections.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// How long requests that are being answered may take after the shutdown.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
/// Before accepting is tried again when the system has run out of something.
const PAUSE: Duration = Duration::from_millis(100);

/// The next connection and its slot; a client waits unaccepted until there is one. May be dropped at any time.
pub(crate) async fn next_client(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Only a matter of speed.
                let _ = stream.set_nodelay(true);
                return (stream, slot);
            }
            Err(error) if concerns_one_client(&error) => {}
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

fn concerns_one_client(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}
