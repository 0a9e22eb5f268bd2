//! Answers on their way to a client: how long that may take, and the room that they hold until then.

use std::time::Duration;

use hyper::body::Bytes;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::room::Share;

/// A client may dawdle so long,
const PATIENCE: Duration = Duration::from_secs(30);
/// and beside that takes so many bytes in a millisecond at the least.
const SLOWEST: u64 = 100;

/// The answers of one connection that have not been sent yet.
#[derive(Clone)]
pub(super) struct Sending(watch::Sender<Outstanding>);

#[derive(Clone, Copy)]
struct Outstanding {
    answers: usize,
    until: Instant,
}

impl Sending {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Outstanding { answers: 0, until: Instant::now() }))
    }

    /// The body of an answer that is sent from now on; its room is free when the last byte of it has been passed on.
    pub(super) fn body(&self, bytes: Bytes, room: Option<Share>) -> Bytes {
        if bytes.is_empty() {
            return bytes;
        }
        let takes = Duration::from_millis(bytes.len() as u64 / SLOWEST);
        self.0.send_modify(|outstanding| {
            // One that waits behind another has no dawdling of its own.
            if outstanding.answers == 0 {
                outstanding.until = Instant::now() + PATIENCE;
            }
            outstanding.answers += 1;
            outstanding.until += takes;
        });
        Bytes::from_owner(Body { bytes, sending: self.clone(), _room: room })
    }

    /// Done when an answer has taken too long.
    pub(super) async fn overdue(&self) {
        let mut changes = self.0.subscribe();
        loop {
            let Outstanding { answers, until } = *changes.borrow_and_update();
            tokio::select! {
                // The sender lives as long as `self`.
                _ = changes.changed() => {}
                () = sleep_until(until), if answers > 0 => return,
            }
        }
    }
}

struct Body {
    bytes: Bytes,
    sending: Sending,
    _room: Option<Share>,
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.sending.0.send_modify(|outstanding| outstanding.answers -= 1);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_has_time_by_its_size() {
        let sending = Sending::new();
        let began = Instant::now();
        let (first, second) = (sending.body(vec![0; 1_000_000].into(), None), sending.body("x".into(), None));
        sending.overdue().await;
        assert_eq!(began.elapsed().as_secs(), 40);
        drop((first, second));
        // Nothing is on its way: nothing can be late.
        assert!(timeout(PATIENCE * 2, sending.overdue()).await.is_err());
    }
}
