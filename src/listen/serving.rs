//! A connection's life.

use std::{convert::Infallible, pin::pin};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    rt::{Read, Write},
    server::conn::http1,
    service::Service,
};
use tokio::sync::watch;

/// Serves a connection until its client leaves or `stop` changes; what is being answered then is answered.
pub(crate) async fn serve_until<I, S>(connection: http1::Connection<I, S>, mut stop: watch::Receiver<()>)
where
    I: Read + Write + Unpin,
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    let mut connection = pin!(connection);
    // A client that goes away or sends no HTTP is no event of ours: hyper has answered it as far as it can be.
    tokio::select! {
        biased;
        _ = connection.as_mut() => {}
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
