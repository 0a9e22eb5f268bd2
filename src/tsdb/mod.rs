//! The durable store of samples.
//!
//! Owns: the log, chunks, blocks, retention; its own files on disk.
//! Must not know: a query language, where samples come from, the clock.
