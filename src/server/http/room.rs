//! Memory for what is on its way, in bytes: bodies that come in, answers that go out.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// In total, for all connections.
const ALL: u32 = 64 << 20;
/// What a connection may hold without asking: whoever reads or sends slowly does not keep others from small things.
pub(super) const SMALL: usize = 16 * 1024;
/// How long something waits for its room.
pub(super) const WAIT: Duration = Duration::from_secs(5);

/// Room of a fixed size that many share; what is taken comes back when its permit is dropped.
pub(super) struct Room(Arc<Semaphore>);

/// What somebody has of it.
pub(super) type Share = OwnedSemaphorePermit;

impl Room {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ALL as usize)))
    }

    /// So many bytes of it, at most all of it; who came first is served first. `None` where they do not become free
    /// within five seconds.
    pub(super) async fn take(&self, bytes: usize) -> Option<Share> {
        let bytes = u32::try_from(bytes).unwrap_or(ALL).min(ALL);
        let taking = Arc::clone(&self.0).acquire_many_owned(bytes);
        Some(timeout(WAIT, taking).await.ok()?.expect("the semaphore is never closed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_comes_back() {
        let room = Room::new();
        let half = room.take(32 << 20).await;
        assert!(half.is_some());
        assert!(room.take(usize::MAX).await.is_none());
        let other = room.take(32 << 20).await;
        assert!(other.is_some());
        drop((half, other));
        assert!(room.take(usize::MAX).await.is_some());
    }
}
