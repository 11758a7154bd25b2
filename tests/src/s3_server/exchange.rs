//! From a connection to its requests, and from a request to its answer.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use s3s::Body;
use s3s::service::S3Service;
use tokio_rustls::TlsAcceptor;

use super::Shared;
use super::body::Gauge;
use super::connection::{Connection, Fate};
use super::fault::{End, Refusal};
use super::request::S3Request;

/// Serves a connection until its end.
pub(super) async fn serve(connection: Connection, shared: Arc<Shared>) {
    let number = shared.log.connected();
    let fate = Arc::clone(&connection.fate);
    let tls = shared.tls();
    let requests = requests(Arc::clone(&shared), number, Arc::clone(&fate));
    // An error means that the client has left, or that a fault has struck; either way this
    // connection is over.
    if let Some(config) = tls {
        if let Ok(stream) = TlsAcceptor::from(config).accept(connection).await {
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), requests);
            tokio::select! { biased; () = fate.is_reset() => {}, _ = served => {} }
        }
    } else {
        let served = http1::Builder::new().serve_connection(TokioIo::new(connection), requests);
        tokio::select! { biased; () = fate.is_reset() => {}, _ = served => {} }
    }
}

fn requests(
    shared: Arc<Shared>,
    number: usize,
    fate: Arc<Fate>,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response<Body>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Body>, Infallible>> + Send,
> {
    service_fn(move |request| {
        let (shared, fate) = (Arc::clone(&shared), Arc::clone(&fate));
        async move { Ok(exchange(&shared, number, fate, request).await) }
    })
}

async fn exchange(
    shared: &Shared,
    connection: usize,
    fate: Arc<Fate>,
    request: Request<Incoming>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let noted = S3Request::new(connection, &parts);
    let is_head = noted.method == "HEAD";
    let (entry, strikes) = shared.log.begin(noted);
    tokio::time::sleep(strikes.delay).await;
    let mut body = Gauge {
        body,
        entry: Arc::clone(&entry),
        pace: strikes.pace,
        reset: strikes.reset,
        fate: Arc::clone(&fate),
        read: 0,
        held: None,
    };
    let answer = match strikes.end {
        Some(End::Silence) => {
            drain(&mut body).await;
            pending().await
        }
        Some(End::Answer(refusal)) => {
            if !refusal.at_once {
                drain(&mut body).await;
            }
            refuse(&refusal, is_head)
        }
        None => answer(&shared.service, Request::from_parts(parts, body)).await,
    };
    if strikes.lose_answer {
        fate.reset();
        return pending().await;
    }
    entry.answers(answer.status().as_u16());
    answer
}

async fn answer(service: &S3Service, request: Request<Gauge>) -> Response<Body> {
    let request = request.map(Body::http_body_unsync);
    let answer = service.call(request).await;
    // It has made an answer of every error that S3 knows.
    answer.expect("`s3s` has an answer to everything")
}

/// Reads a body to its end, or to where it breaks off.
async fn drain(body: &mut Gauge) {
    let mut body = std::pin::Pin::new(body);
    while let Some(Ok(_)) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {}
}

fn refuse(refusal: &Refusal, is_head: bool) -> Response<Body> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>\
         <RequestId>0123456789ABCDEF</RequestId></Error>",
        refusal.code, refusal.message
    );
    let mut answer = Response::builder()
        .status(refusal.status)
        .header("content-type", "application/xml")
        .header("x-amz-request-id", "0123456789ABCDEF");
    for (name, value) in &refusal.headers {
        answer = answer.header(name, value);
    }
    let body = if is_head {
        Body::empty()
    } else {
        Body::from(text)
    };
    answer
        .body(body)
        .expect("the test gave headers that are headers")
}
