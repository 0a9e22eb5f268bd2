//! The server that is judged: the product's API over a store in memory.

use std::{net::SocketAddr, sync::Arc, thread};

use anyhow::Context as _;
use llmobs::{
    promql::syntax,
    server::{
        api::{Api, Settings},
        http,
    },
    tsdb::{self, Store},
};

use super::told::Told;
use crate::judge::free_address;

/// Starts it on a free port; it goes on until this process ends.
pub(super) fn start() -> anyhow::Result<SocketAddr> {
    let address = free_address()?;
    let listener = std::net::TcpListener::bind(address).context("cannot listen")?;
    thread::spawn(move || serve(listener));
    Ok(address)
}

/// Serves in the foreground.
pub(super) fn serve_here(address: SocketAddr) -> anyhow::Result<()> {
    let listener =
        std::net::TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    serve(listener)
}

fn serve(listener: std::net::TcpListener) -> anyhow::Result<()> {
    let options =
        tsdb::Options { retention_millis: None, in_order_lag_millis: i64::MAX, ..tsdb::Options::default() };
    let store = Store::in_memory(options);
    let settings = Settings {
        admin: true,
        syntax: syntax::Options { experimental: true, variables: false },
        ..Settings::default()
    };
    let api = Api::new(store.clone(), Arc::new(Told), Arc::new(store), settings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    listener.set_nonblocking(true)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        http::serve(listener, Arc::new(api), std::future::pending()).await;
        Ok(())
    })
}
