//! The listening socket: connections, their bounds, and their end.
//!
//! What is answered is the business of [`alephd_api`]; here stands what holds for any HTTP
//! server that strangers reach: a bound on connections, on the time and size of a request head, on
//! the time and memory of bodies ([`bodies`]), and a stop that lets requests under way finish.

mod bodies;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::IntoResponse};
use futures_util::TryFutureExt as _;
use hyper::{
    Request, body::Incoming, header, http::HeaderValue, server::conn::http1, service::Service as _,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use alephd_tasks::{Clock, Tasks};

use bodies::Bodies;

/// Time for the head of a request, and for which an idle connection is kept. Clients of the
/// network reuse connections for a minute; a slow head is over by then, or never.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// Bytes of a request head. Lists of two hundred item hashes fit into a query.
const HEAD_SIZE: usize = 64 << 10;
/// Connections that wait to be accepted; the system may allow fewer. Of those beyond, the kernel
/// drops the first packet, and the client tries again after a second. The usual 128 are exceeded
/// by any burst that comes while this thread does not run.
const BACKLOG: u32 = 4_096;
/// Pause after a failed accept: without file descriptors the next one fails at once, too.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds the address. Fails at once if it is taken.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A node that restarts does not wait for the connections of the one before.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts connections until the tasks are cancelled.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    max_connections: usize,
    tasks: Tasks,
    clock: Arc<dyn Clock>,
) -> Result<(), std::convert::Infallible> {
    let room = Arc::new(Semaphore::new(max_connections));
    let bodies = Bodies::new(Arc::clone(&clock));
    let token = tasks.token();
    loop {
        let permit = tokio::select! {
            () = token.cancelled() => return Ok(()),
            permit = Arc::clone(&room).acquire_owned() => permit.expect("the semaphore is never closed"),
        };
        let accepted = tokio::select! {
            () = token.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(stream, router.clone(), bodies.clone(), tasks.clone(), permit);
                tasks.spawn_worker("connection", connection);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection. Its errors are the client's: they went away, or sent what is no HTTP.
async fn connection(
    stream: TcpStream,
    router: Router,
    bodies: Bodies,
    tasks: Tasks,
    _permit: OwnedSemaphorePermit,
) {
    // An answer is written in one piece; waiting for more to send only delays it.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request: Request<Incoming>| {
        let (head, body) = request.into_parts();
        let (body, verdict) = bodies.watch(head.uri.path(), body);
        let answer = router.call(Request::from_parts(head, Body::new(body)));
        answer.map_ok(move |answer| match verdict.status() {
            None => answer,
            Some(status) => {
                // The rest of the body is not waited for.
                let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
                (status, close, status.to_string()).into_response()
            }
        })
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_SIZE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = tasks.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}
