//! Why bollard got no answer, told apart by the innermost cause.

use std::io;

use bollard::errors::Error;

use crate::docker::{Address, EngineError, Operation};

pub(super) fn from_transport(operation: Operation, address: &Address, error: &Error) -> EngineError {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let mut innermost = error.to_string();
    let mut kind = None;
    let mut never_connected = false;
    while let Some(current) = cause {
        innermost = current.to_string();
        kind = current.downcast_ref::<io::Error>().map(io::Error::kind).or(kind);
        if let Some(Error::HyperLegacyError { err }) = current.downcast_ref::<Error>() {
            never_connected |= err.is_connect();
            kind = io_kind(err).or(kind);
        }
        cause = current.source();
    }
    let shown = address.to_string();
    match (address, kind) {
        (Address::Unix(path), Some(io::ErrorKind::PermissionDenied)) => {
            EngineError::SocketForbidden { path: path.clone() }
        }
        (Address::Unix(path), Some(io::ErrorKind::NotFound)) => {
            EngineError::SocketAbsent { path: path.clone() }
        }
        (_, Some(io::ErrorKind::ConnectionRefused)) => EngineError::Refused { address: shown },
        _ if never_connected => EngineError::Unreachable { address: shown, cause: innermost },
        _ => EngineError::Failed { operation, message: innermost },
    }
}

/// The kind of the first I/O error among the causes.
fn io_kind(error: &dyn std::error::Error) -> Option<io::ErrorKind> {
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(error) = current.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = current.source();
    }
    None
}
