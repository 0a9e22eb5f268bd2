//! A block that can be read: from its file, or from memory.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use crate::{
    series::TimeSpan,
    tsdb::{
        StoreError,
        codec::crc32,
        folder::{numbered_path, remove, write_whole},
    },
};

use super::{
    BlockIndex, BlockWriter, ChunkRef, Tombstones,
    layout::{BLOCK_HEAD, CHECKSUM, FOOTER, Footer, FooterError, VERSION},
};

const BLOCK: &str = "block";
const DELETED: &str = "deleted";

/// Chunks that are nearer to each other than this are read at once, with what is between.
const GAP: u64 = 32 << 10;

/// Where the bytes of a block are.
#[derive(Debug)]
enum Medium {
    File(File),
    Memory(Vec<u8>),
}

impl Medium {
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Self::File(file) => read_exact_at(file, at, buffer),
            Self::Memory(bytes) => {
                let from = usize::try_from(at).ok();
                let part = from.and_then(|from| bytes.get(from..)?.get(..buffer.len()));
                buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, at)
}

#[cfg(not(unix))]
fn read_exact_at(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<()> {
    use std::io::{Seek, SeekFrom};
    // Handles share their position, so one thread reads at a time.
    static READING: Mutex<()> = Mutex::new(());
    let _reading = READING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file = file;
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(buffer)
}

/// Why a block cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlockError {
    #[error("{0}")]
    Damaged(&'static str),
    #[error("it was written by another version of llmobs (format {0}, this one reads {VERSION})")]
    Version(u32),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Indexes that are kept in memory, the least used first, within a number of bytes.
#[derive(Debug)]
pub(crate) struct Indexes {
    budget: usize,
    kept: Mutex<VecDeque<(u64, Arc<BlockIndex>)>>,
}

impl Indexes {
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, kept: Mutex::default() }
    }

    fn get(&self, number: u64) -> Option<Arc<BlockIndex>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(other, _)| *other == number)?;
        let found = kept.remove(place)?;
        let index = found.1.clone();
        kept.push_back(found);
        Some(index)
    }

    fn put(&self, number: u64, index: &Arc<BlockIndex>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(other, _)| *other != number);
        kept.push_back((number, index.clone()));
        let mut bytes: usize = kept.iter().map(|(_, index)| index.len()).sum();
        while bytes > self.budget
            && let Some((_, index)) = kept.pop_front()
        {
            bytes -= index.len();
        }
    }

    fn forget(&self, number: u64) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).retain(|(other, _)| *other != number);
    }
}

/// An immutable set of series with their samples.
#[derive(Debug)]
pub(crate) struct Block {
    number: u64,
    /// None for one in memory.
    path: Option<PathBuf>,
    medium: Medium,
    size: u64,
    footer: Footer,
    tombstones: RwLock<Arc<Tombstones>>,
    indexes: Arc<Indexes>,
    /// A reader found that it cannot be read.
    is_damaged: AtomicBool,
    damaged_chunks: AtomicUsize,
}

impl Block {
    /// Writes a block, to a folder or to memory; `None` where nothing was put into it.
    pub(crate) fn write(
        folder: Option<&Path>,
        number: u64,
        rank: u64,
        replaced: Vec<u64>,
        indexes: &Arc<Indexes>,
        fill: impl FnOnce(&mut BlockWriter<&mut dyn io::Write>) -> io::Result<()>,
    ) -> Result<Option<Self>, StoreError> {
        let write = |out: &mut dyn io::Write| {
            let mut writer = BlockWriter::new(out, rank, replaced)?;
            fill(&mut writer)?;
            Ok(writer.finish()?.map(|(_, footer)| footer))
        };
        let Some(folder) = folder else {
            let mut bytes = Vec::new();
            let footer = write(&mut bytes).map_err(|source| StoreError::io("make", "a block", source))?;
            return Ok(footer.map(|footer| Self::new(number, None, Medium::Memory(bytes), footer, indexes)));
        };
        let path = numbered_path(folder, number, BLOCK);
        let mut footer = None;
        let opened = write_whole(&path, |out| {
            footer = write(out)?;
            Ok(())
        })
        .and_then(|()| File::open(&path).map_err(|source| StoreError::io("open", &path, source)));
        match (opened, footer) {
            (Ok(opened), Some(footer)) => {
                Ok(Some(Self::new(number, Some(path), Medium::File(opened), footer, indexes)))
            }
            (Ok(_), None) => remove(&path).map(|()| None),
            (Err(error), _) => {
                // Nobody knows of the file; that it stays is no second error.
                drop(remove(&path));
                Err(error)
            }
        }
    }

    fn new(
        number: u64,
        path: Option<PathBuf>,
        medium: Medium,
        footer: Footer,
        indexes: &Arc<Indexes>,
    ) -> Self {
        Self {
            number,
            path,
            medium,
            size: footer.index_at + footer.index_len + FOOTER as u64,
            footer,
            tombstones: RwLock::default(),
            indexes: indexes.clone(),
            is_damaged: AtomicBool::new(false),
            damaged_chunks: AtomicUsize::new(0),
        }
    }

    /// Opens the file of a block, checks its ends and its index.
    pub(crate) fn open(path: &Path, number: u64, indexes: &Arc<Indexes>) -> Result<Self, BlockError> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        let end = len
            .checked_sub((BLOCK_HEAD.len() + FOOTER) as u64)
            .ok_or(BlockError::Damaged("it is too short"))?;
        let mut head = [0; 8];
        let mut footer = [0; FOOTER];
        let medium = Medium::File(file);
        medium.read_at(0, &mut head)?;
        medium.read_at(end + head.len() as u64, &mut footer)?;
        let footer = match Footer::read(&footer) {
            Ok(footer) if head == *BLOCK_HEAD => footer,
            Err(FooterError::Version(version)) => return Err(BlockError::Version(version)),
            _ => return Err(BlockError::Damaged("its end is not that of a block")),
        };
        let index_end = footer.index_at.checked_add(footer.index_len);
        if index_end != Some(end + head.len() as u64) {
            return Err(BlockError::Damaged("its parts do not add up to its size"));
        }
        let block = Self::new(number, Some(path.to_owned()), medium, footer, indexes);
        block.index()?;
        Ok(block)
    }

    /// Reads what was deleted of it; `false` where that is damaged.
    pub(crate) fn read_tombstones(&self) -> io::Result<bool> {
        let Some(path) = self.tombstones_path() else { return Ok(true) };
        let mut bytes = Vec::new();
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            opened => opened?.read_to_end(&mut bytes)?,
        };
        let read = Tombstones::read(&bytes);
        let is_whole = read.is_some();
        *self.tombstones.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read.unwrap_or_default());
        Ok(is_whole)
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(crate) fn tombstones_path(&self) -> Option<PathBuf> {
        Some(self.path.as_ref()?.with_extension(DELETED))
    }

    pub(crate) fn footer(&self) -> &Footer {
        &self.footer
    }

    pub(crate) fn span(&self) -> TimeSpan {
        self.footer.span
    }

    /// Bytes of its file.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }

    pub(crate) fn set_damaged(&self) {
        self.is_damaged.store(true, Ordering::Relaxed);
    }

    /// How many chunks readers have found to be damaged so far; one that is read again counts again.
    pub(crate) fn damaged_chunks(&self) -> usize {
        self.damaged_chunks.load(Ordering::Relaxed)
    }

    pub(crate) fn add_damaged_chunks(&self, count: usize) {
        self.damaged_chunks.fetch_add(count, Ordering::Relaxed);
    }

    /// Bytes of its index.
    pub(crate) fn index_size(&self) -> u64 {
        self.footer.index_len
    }

    pub(crate) fn tombstones(&self) -> Arc<Tombstones> {
        self.tombstones.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Deletes more of it.
    pub(crate) fn set_tombstones(&self, tombstones: Tombstones) -> Result<(), StoreError> {
        if let Some(path) = self.tombstones_path() {
            tombstones.write(&path)?;
        }
        *self.tombstones.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(tombstones);
        Ok(())
    }

    /// Its index, from memory or from its file.
    pub(crate) fn index(&self) -> Result<Arc<BlockIndex>, BlockError> {
        if let Some(index) = self.indexes.get(self.number) {
            return Ok(index);
        }
        let len = usize::try_from(self.footer.index_len)
            .map_err(|_| BlockError::Damaged("its index is too large"))?;
        let mut bytes = vec![0; len].into_boxed_slice();
        self.medium.read_at(self.footer.index_at, &mut bytes)?;
        if crc32(&bytes) != self.footer.index_crc {
            return Err(BlockError::Damaged("the checksum of its index is wrong"));
        }
        let index = BlockIndex::new(bytes).ok_or(BlockError::Damaged("its index is none"))?;
        let index = Arc::new(index);
        self.indexes.put(self.number, &index);
        Ok(index)
    }

    /// Reads the values of chunks; they are sorted by offset here.
    pub(crate) fn read(&self, mut chunks: Vec<ChunkRef>) -> io::Result<Stretches> {
        chunks.sort_unstable_by_key(|chunk| chunk.offset);
        let mut stretches: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut rest = &chunks[..];
        while let Some(first) = rest.first() {
            let mut end = first.end();
            let mut count = 1;
            while let Some(next) = rest.get(count)
                && next.offset <= end.saturating_add(GAP)
            {
                end = end.max(next.end());
                count += 1;
            }
            if end > self.footer.index_at {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let len = usize::try_from(end - first.offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
            let mut bytes = vec![0; len];
            self.medium.read_at(first.offset, &mut bytes)?;
            stretches.push((first.offset, bytes));
            rest = &rest[count..];
        }
        Ok(Stretches(stretches))
    }

    /// Removes its files; who reads it now still can.
    pub(crate) fn remove(&self) -> Result<(), StoreError> {
        self.indexes.forget(self.number);
        if let Some(path) = &self.path {
            remove(path)?;
        }
        // The tombstones go last: without them deleted samples would be back.
        self.tombstones_path().map_or(Ok(()), |path| remove(&path))
    }

    /// Forgets what is kept of it in memory.
    pub(crate) fn forget(&self) {
        self.indexes.forget(self.number);
    }
}

/// Parts of a block's file, by offset.
#[derive(Debug)]
pub(crate) struct Stretches(Vec<(u64, Vec<u8>)>);

impl Stretches {
    /// The values of a chunk; `None` where their checksum is wrong.
    pub(crate) fn values(&self, chunk: &ChunkRef) -> Option<&[u8]> {
        let place = self.0.partition_point(|(at, _)| *at <= chunk.offset).checked_sub(1)?;
        let (at, bytes) = &self.0[place];
        let bytes = bytes.get(usize::try_from(chunk.offset - at).ok()?..)?;
        let (values, crc) = bytes.get(..chunk.len as usize + CHECKSUM)?.split_last_chunk()?;
        (crc32(values) == u32::from_le_bytes(*crc)).then_some(values)
    }
}
