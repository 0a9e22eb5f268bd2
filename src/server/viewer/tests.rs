//! The viewer asked as a browser asks it.
