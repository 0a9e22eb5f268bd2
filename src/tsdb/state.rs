//! What readers see: the memory and the blocks, changed together.

use std::sync::Arc;

use super::{block::Block, head::Head};

/// Memory and blocks. A sample moves from one to the other under one lock, so that it is seen once.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) head: Head,
    pub(crate) blocks: Arc<[Arc<Block>]>,
}

impl State {
    /// Puts blocks in and takes others out.
    pub(crate) fn exchange(&mut self, added: impl IntoIterator<Item = Arc<Block>>, removed: &[Arc<Block>]) {
        let is_removed = |block: &Arc<Block>| removed.iter().any(|other| Arc::ptr_eq(block, other));
        let kept = self.blocks.iter().filter(|block| !is_removed(block)).cloned();
        let mut blocks: Vec<_> = kept.chain(added).collect();
        blocks.sort_by_key(|block| (block.span().from, block.number()));
        self.blocks = blocks.into();
    }
}
