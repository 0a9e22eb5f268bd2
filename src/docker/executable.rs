//! An executable and the shared libraries it loads, read from this machine.
//!
//! The only part of this room that reads files and runs a program: [`read_executable`].

#![expect(
    clippy::disallowed_methods,
    reason = "an image is made of files of this machine, which are read here alone"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    path::{Path, PathBuf},
    process::Command,
};

use elf::{ElfBytes, ParseError, abi, endian::AnyEndian};

/// An executable with everything that must stand beside it.
#[derive(Clone, PartialEq, Eq)]
pub struct Executable {
    pub bytes: Vec<u8>,
    /// As Go calls it: `amd64`, `arm64`.
    pub architecture: String,
    /// The dynamic loader and the libraries: absolute path → bytes. Empty for a static executable.
    pub libraries: BTreeMap<String, Vec<u8>>,
}

impl fmt::Debug for Executable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executable")
            .field("bytes", &self.bytes.len())
            .field("architecture", &self.architecture)
            .field("libraries", &self.libraries.keys())
            .finish()
    }
}

/// Why an executable cannot be put into an image.
#[derive(Debug, thiserror::Error)]
pub enum ExecutableError {
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is no Linux executable", path.display())]
    NotElf { path: PathBuf, source: ParseError },
    #[error("`{}` is made for a machine that containers are not made for here: ELF machine {machine}", path.display())]
    Machine { path: PathBuf, machine: u16 },
    #[error("cannot run the dynamic loader `{interpreter}`")]
    Interpreter { interpreter: String, source: io::Error },
    #[error("the dynamic loader finds no `{library}`")]
    LibraryMissing { library: String },
}

/// What an ELF file says of how it is linked.
#[derive(Debug, PartialEq, Eq)]
struct Linkage {
    machine: u16,
    interpreter: Option<String>,
    needed: Vec<String>,
}

/// Reads the executable at `path` and its libraries, which are found by asking its own dynamic loader (`--list`).
///
/// Libraries that are only preloaded are left out: what counts is what the files name.
pub fn read_executable(path: &Path) -> Result<Executable, ExecutableError> {
    let bytes = read(path)?;
    let root = linkage_of(path, &bytes)?;
    let architecture = match root.machine {
        abi::EM_X86_64 => "amd64",
        abi::EM_AARCH64 => "arm64",
        machine => return Err(ExecutableError::Machine { path: path.to_owned(), machine }),
    };
    let mut libraries = BTreeMap::new();
    if let Some(interpreter) = root.interpreter {
        let found = ask_interpreter(&interpreter, path)?;
        let mut wanted = root.needed;
        let mut seen = BTreeSet::new();
        while let Some(library) = wanted.pop() {
            // The loader itself is named by some libraries, and has no `=>` in its own list.
            if interpreter.ends_with(&format!("/{library}")) || !seen.insert(library.clone()) {
                continue;
            }
            let place = found.get(&library).ok_or(ExecutableError::LibraryMissing { library })?;
            let bytes = read(Path::new(place))?;
            wanted.extend(linkage_of(Path::new(place), &bytes)?.needed);
            libraries.insert(place.clone(), bytes);
        }
        let bytes = read(Path::new(&interpreter))?;
        libraries.insert(interpreter, bytes);
    }
    Ok(Executable { bytes, architecture: architecture.to_owned(), libraries })
}

fn read(path: &Path) -> Result<Vec<u8>, ExecutableError> {
    std::fs::read(path).map_err(|source| ExecutableError::Read { path: path.to_owned(), source })
}

fn linkage_of(path: &Path, bytes: &[u8]) -> Result<Linkage, ExecutableError> {
    linkage(bytes).map_err(|source| ExecutableError::NotElf { path: path.to_owned(), source })
}

/// Runs the loader; for `library => /path (0x…)` lines it gives library → path.
fn ask_interpreter(
    interpreter: &str,
    executable: &Path,
) -> Result<BTreeMap<String, String>, ExecutableError> {
    let output = Command::new(interpreter)
        .arg("--list")
        .arg(executable)
        .output()
        .map_err(|source| ExecutableError::Interpreter { interpreter: interpreter.to_owned(), source })?;
    Ok(parse_list(&String::from_utf8_lossy(&output.stdout)))
}

fn parse_list(output: &str) -> BTreeMap<String, String> {
    let line = |line: &str| {
        let (library, place) = line.trim().split_once(" => ")?;
        let place = place.rsplit_once(" (").map_or(place, |(place, _)| place);
        place.starts_with('/').then(|| (library.to_owned(), place.to_owned()))
    };
    output.lines().filter_map(line).collect()
}

fn linkage(bytes: &[u8]) -> Result<Linkage, ParseError> {
    let file = ElfBytes::<AnyEndian>::minimal_parse(bytes)?;
    let mut interpreter = None;
    for segment in file.segments().into_iter().flatten() {
        if segment.p_type == abi::PT_INTERP {
            let name = file.segment_data(&segment)?;
            interpreter = Some(String::from_utf8_lossy(name).trim_end_matches('\0').to_owned());
        }
    }
    let mut needed = Vec::new();
    let common = file.find_common_data()?;
    if let (Some(dynamic), Some(strings)) = (common.dynamic, common.dynsyms_strs) {
        for entry in dynamic.iter().filter(|entry| entry.d_tag == abi::DT_NEEDED) {
            let offset = usize::try_from(entry.d_val()).map_err(|_| ParseError::IntegerOverflow)?;
            needed.push(strings.get(offset)?.to_owned());
        }
    }
    Ok(Linkage { machine: file.ehdr.e_machine, interpreter, needed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_list(output: &str, expect: &[(&str, &str)]) {
        let expect: BTreeMap<_, _> = expect.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(parse_list(output), expect);
    }

    #[test]
    fn the_loaders_list_is_read() {
        check_list("", &[]);
        check_list("\tlinux-vdso.so.1 (0x00007ffd)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n", &[]);
        check_list("\tlibc.so.6 => /lib/x/libc.so.6 (0x00007f)\n", &[("libc.so.6", "/lib/x/libc.so.6")]);
        check_list("\tlibq.so => not found\n", &[]);
    }

    #[test]
    fn what_is_no_elf_is_refused() {
        assert!(matches!(
            read_executable(Path::new("/etc/passwd")),
            Err(ExecutableError::NotElf { path, .. }) if path == Path::new("/etc/passwd")
        ));
        assert!(matches!(read_executable(Path::new("/no/such")), Err(ExecutableError::Read { .. })));
    }

    #[test]
    fn this_very_test_runs_with_the_libraries_that_are_found() {
        let path = std::env::current_exe().unwrap();
        let executable = read_executable(&path).unwrap();
        let linkage = linkage(&executable.bytes).unwrap();
        assert_eq!(executable.libraries.is_empty(), linkage.interpreter.is_none());
        for library in linkage.needed {
            assert!(
                executable.libraries.keys().any(|place| place.ends_with(&format!("/{library}"))),
                "{library}"
            );
        }
    }
}
