//! A server for tests: every request is answered by a closure, and remembered.

use super::auth::Auth;
use super::http::Client;
use super::record::Tap;
use crate::clock::Clock;
use crate::config::SourceConfig;
use crate::secret::Secret;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Answer = dyn Fn(&str, usize) -> String + Send + Sync;

/// A listening server. It stops with the test's runtime.
pub(crate) struct Scripted {
    pub(crate) base_url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

/// A whole response.
pub(crate) fn response(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

/// A response with JSON.
pub(crate) fn json(status: u16, body: &str) -> String {
    response(status, "Content-Type: application/json\r\n", body)
}

/// What the vendor says of a good grant.
pub(crate) fn token(name: &str) -> String {
    json(200, &format!(r#"{{"access_token":"{name}","token_type":"Bearer","expires_in":900}}"#))
}

impl Scripted {
    /// Answers each request by `answer(head, number)`: the request's head, and how many came before it on its path.
    /// Token requests are answered by the server itself unless `answer` returns text for them.
    pub(crate) async fn start(answer: impl Fn(&str, usize) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        let answer: Arc<Answer> = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), seen.clone()));
            }
        });
        Self { base_url, requests }
    }

    /// First lines of the requests whose path begins so.
    pub(crate) fn requests(&self, path: &str) -> Vec<String> {
        let seen = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter()
            .filter(|line| line.split(' ').nth(1).is_some_and(|found| found.starts_with(path)))
            .cloned()
            .collect()
    }

    /// A client of this server, by OAuth2.
    pub(crate) fn client(&self, clock: Clock) -> Client {
        let auth = Auth::OAuth2 {
            token_path: "/oauth/token",
            client_secret: Secret::new("client-hush"),
            refresh_token: Secret::new("refresh-hush"),
        };
        self.client_with(auth, clock)
    }

    /// A client that authorises itself otherwise.
    pub(crate) fn client_with(&self, auth: Auth, clock: Clock) -> Client {
        self.recorded_client(auth, clock, Tap::default())
    }

    /// A client whose traffic is recorded.
    pub(crate) fn recorded_client(&self, auth: Auth, clock: Clock, tap: Tap) -> Client {
        let options = SourceConfig {
            base_url: self.base_url.clone(),
            requests_per_second: None,
            timeout: Duration::from_secs(2),
            ..SourceConfig::default()
        };
        Client::new(&options, auth, clock, tap).expect("a good address")
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<Answer>, seen: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let read = stream.read(&mut buffer).await?;
        request.extend_from_slice(buffer.get(..read).unwrap_or_default());
        let text = String::from_utf8_lossy(&request);
        let length = |head: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            lines
                .filter(|(key, _)| key.eq_ignore_ascii_case("content-length"))
                .find_map(|(_, n)| n.parse::<usize>().ok())
        };
        if read == 0 || text.split_once("\r\n\r\n").is_some_and(|(head, body)| body.len() >= length(head).unwrap_or(0))
        {
            break;
        }
    }
    let head = String::from_utf8_lossy(&request).into_owned();
    let line = head.lines().next().unwrap_or_default().to_owned();
    let path = |line: &str| line.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
    let number = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let number = seen.iter().filter(|earlier| path(earlier) == path(&line)).count();
        seen.push(line);
        number
    };
    let text = match answer(&head, number) {
        empty if empty.is_empty() => token(&format!("token-{number}")),
        text => text,
    };
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}
