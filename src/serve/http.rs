//! The HTTP server: liveness, readiness, Prometheus metrics and a status page, in clear and for reading alone.
//!
//! It shows what [`Health`] tells it and changes nothing: there is no route that writes, and none that runs SQL. What a
//! browser could give away is shown to who asks by a name of the server alone.

mod health;
mod listener;
pub mod metrics;
mod names;
mod page;

pub use health::{DatasetStatus, DoubtStatus, FeedStatus, Health};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use listener::LimitedListener;
pub(crate) use listener::SOCKETS_MAX;
use metrics::{Kind, Metric};
use names::Names;
use std::future::Future;
use std::io;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves until `shutdown` resolves, then finishes the requests that are under way. `names` are those of the server,
/// beside addresses and localhost.
pub async fn serve(
    listener: TcpListener,
    state: Arc<dyn Health>,
    names: Vec<String>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(LimitedListener::new(listener), router(state, Names::of(names))).with_graceful_shutdown(shutdown).await
}

fn router(state: Arc<dyn Health>, names: Names) -> Router {
    Router::new()
        .route("/", get(status_page))
        .route("/metrics", get(exposition))
        .route_layer(middleware::from_fn_with_state(names, names::check))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(readiness))
        .with_state(state)
}

async fn readiness(State(health): State<Arc<dyn Health>>) -> Response {
    let reasons = health.unready();
    let ready = reasons.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(serde_json::json!({ "ready": ready, "reasons": reasons }))).into_response()
}

async fn exposition(State(health): State<Arc<dyn Health>>) -> Response {
    let mut metrics = health.metrics();
    metrics.extend(health.datasets().iter().flat_map(dataset_metrics));
    metrics.extend(health.feed().iter().flat_map(feed_metrics));
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::encode(&metrics)).into_response()
}

async fn status_page(State(health): State<Arc<dyn Health>>) -> Response {
    let (datasets, doubts) = (health.datasets(), health.doubts().await);
    let page = page::render(&health.versions(), &health.unready(), &datasets, &doubts, health.feed().as_ref());
    // The page needs its own style and nothing else: no script, no image, no frame around it.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store")];
    (headers, Html(page)).into_response()
}

fn dataset_metrics(status: &DatasetStatus) -> Vec<Metric> {
    let gauge = |name, help, value: Option<f64>| {
        value.map(|value| Metric::new(name, help, Kind::Gauge, value).with_label("dataset", &status.dataset))
    };
    let state = Metric::new("tt_dataset_state", "1 for the state a dataset is in.", Kind::Gauge, 1.0)
        .with_label("dataset", &status.dataset)
        .with_label("state", status.state);
    [
        gauge("tt_dataset_age_seconds", "Age of a dataset's rows.", status.age_seconds),
        gauge("tt_dataset_ttl_seconds", "Age at which a dataset is stale.", status.ttl_seconds),
        gauge("tt_dataset_rows", "Rows of a dataset.", status.rows.map(|rows| rows as f64)),
        Some(state),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn feed_metrics(status: &FeedStatus) -> Vec<Metric> {
    let connected = if status.connected { 1.0 } else { 0.0 };
    let mut metrics = vec![
        Metric::new("tt_feed_connected", "1 while the live feed is connected.", Kind::Gauge, connected),
        Metric::new("tt_feed_symbols", "Symbols the live feed is subscribed to.", Kind::Gauge, status.symbols as f64),
        Metric::new("tt_feed_events_total", "Events received from the live feed.", Kind::Counter, status.events as f64),
    ];
    let state = Metric::new("tt_feed_state", "1 for the state the live feed is in.", Kind::Gauge, 1.0);
    metrics.push(state.with_label("state", &status.state));
    if let Some(age) = status.last_event_age_seconds {
        metrics.push(Metric::new("tt_feed_last_event_age_seconds", "Time since the last event.", Kind::Gauge, age));
    }
    metrics
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Default)]
    struct Fixed {
        ready: AtomicBool,
    }

    #[async_trait::async_trait]
    impl Health for Fixed {
        fn unready(&self) -> Vec<String> {
            if self.ready.load(Ordering::Relaxed) { Vec::new() } else { vec!["the lake is not open".to_owned()] }
        }

        fn metrics(&self) -> Vec<Metric> {
            vec![Metric::new("tt_queries_total", "Statements run.", Kind::Counter, 3.0).with_label("user", "a\"b\\\n")]
        }

        fn datasets(&self) -> Vec<DatasetStatus> {
            vec![DatasetStatus {
                dataset: "symbols".to_owned(),
                state: "stale",
                age_seconds: Some(90_000.0),
                ttl_seconds: Some(86_400.0),
                rows: Some(12_345),
                version: Some(7),
                last_error: Some("<b>HTTP 503</b>".to_owned()),
            }]
        }

        async fn doubts(&self) -> BTreeMap<String, DoubtStatus> {
            let (counts, example) = ("1 severe, 2 warning".to_owned(), "A<B outlier: x > y".to_owned());
            BTreeMap::from([("symbols".to_owned(), DoubtStatus { severity: "severe", counts, example })])
        }

        fn feed(&self) -> Option<FeedStatus> {
            Some(FeedStatus { origin: "venue".to_owned(), state: "connected".to_owned(), ..FeedStatus::default() })
        }

        fn versions(&self) -> Vec<(&'static str, String)> {
            vec![("tt", "1.2.3".to_owned())]
        }
    }

    async fn start(health: Arc<Fixed>) -> (String, tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            serve(listener, health, Vec::new(), async { stopped.await.unwrap_or(()) }).await.unwrap();
        });
        (address, stop, server)
    }

    /// Status, content type and body of one answer.
    async fn get(url: String) -> (u16, String, String) {
        let answer = reqwest::get(url).await.unwrap();
        let content_type = answer.headers().get("content-type").unwrap().to_str().unwrap().to_owned();
        (answer.status().as_u16(), content_type, answer.text().await.unwrap())
    }

    #[tokio::test]
    async fn alive_at_once_and_ready_when_it_says_so() {
        let health = Arc::new(Fixed::default());
        let (address, _stop, _server) = start(health.clone()).await;
        assert_eq!(get(format!("{address}/healthz")).await.2, "ok");
        let (status, content_type, body) = get(format!("{address}/readyz")).await;
        assert_eq!((status, content_type.as_str()), (503, "application/json"));
        assert_eq!(body, r#"{"ready":false,"reasons":["the lake is not open"]}"#);
        health.ready.store(true, Ordering::Relaxed);
        assert_eq!(get(format!("{address}/readyz")).await.0, 200);
        assert_eq!(reqwest::get(format!("{address}/no-such")).await.unwrap().status(), 404);
    }

    #[tokio::test]
    async fn metrics_hold_what_the_program_says_and_what_follows_from_it() {
        let (address, _stop, _server) = start(Arc::default()).await;
        let (status, content_type, body) = get(format!("{address}/metrics")).await;
        assert_eq!((status, content_type.as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"));
        assert!(body.contains("tt_queries_total{user=\"a\\\"b\\\\\\n\"} 3\n"), "{body}");
        assert!(body.contains("tt_dataset_age_seconds{dataset=\"symbols\"} 90000\n"), "{body}");
        assert!(body.contains("tt_dataset_state{dataset=\"symbols\",state=\"stale\"} 1\n"), "{body}");
        assert!(body.contains("# TYPE tt_feed_events_total counter\ntt_feed_events_total 0\n"), "{body}");
    }

    #[tokio::test]
    async fn the_page_shows_datasets_and_escapes_what_it_shows() {
        let (address, _stop, _server) = start(Arc::default()).await;
        let (status, content_type, body) = get(address).await;
        assert_eq!((status, content_type.as_str()), (200, "text/html; charset=utf-8"));
        assert!(body.contains("symbols") && body.contains("12,345") && body.contains("1d 1h"), "{body}");
        assert!(body.contains("&lt;b&gt;HTTP 503&lt;/b&gt;") && !body.contains("<b>HTTP"), "{body}");
        assert!(body.contains("the lake is not open"), "{body}");
        assert!(body.contains("<td class=\"bad\">1 severe, 2 warning</td>"), "{body}");
        assert!(body.contains("A&lt;B outlier: x &gt; y"), "{body}");
    }

    #[tokio::test]
    async fn another_name_gets_health_and_nothing_else() {
        let (address, _stop, _server) = start(Arc::default()).await;
        let client = reqwest::Client::new();
        for (path, status) in [("/", 421), ("/metrics", 421), ("/healthz", 200), ("/readyz", 503)] {
            let answer =
                client.get(format!("{address}{path}")).header("host", "attacker.example").send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{path}");
        }
    }

    #[tokio::test]
    async fn shutdown_ends_the_server() {
        let (address, stop, server) = start(Arc::default()).await;
        get(format!("{address}/healthz")).await;
        stop.send(()).unwrap();
        tokio::time::timeout(std::time::Duration::from_secs(10), server).await.unwrap().unwrap();
        assert!(reqwest::get(format!("{address}/healthz")).await.is_err());
    }
}
