//! The binary: streams, arguments, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    llmobs::commands::main()
}
