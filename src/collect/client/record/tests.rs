//! What a recording holds, and above all what it does not.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::collect::client::auth::Auth;
use crate::collect::client::get::Get;
use crate::collect::client::scripted::{Scripted, json, response, token};
use serde_json::Value;
use std::collections::BTreeMap;

const LIMIT: u64 = 1 << 20;

/// Everything that must not be in a recording of [`traffic`], in whatever spelling.
const SECRETS: [&str; 13] = [
    "client-hush",
    "refresh-hush",
    "bearer-hush",
    "key-hush",
    "cookie-hush",
    "session-hush",
    "quote-hush",
    "login-hush",
    "cut-hush",
    "nested-hush",
    "jane",
    "5WX12345",
    "777123456",
];

/// All files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(file, text)| (format!("{name}/{file}"), text)));
        } else {
            found.insert(name, std::fs::read_to_string(path).unwrap());
        }
    }
    found
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn recorder(folder: &Path, limit: u64) -> Recorder {
    let secrets = [Secret::new("client-hush"), Secret::new("refresh-hush"), Secret::new("key-hush/1")];
    Recorder::start(folder, limit, &secrets, &Clock::System).unwrap()
}

fn oauth() -> Auth {
    Auth::OAuth2 {
        token_path: "/oauth/token",
        client_secret: Secret::new("client-hush"),
        refresh_token: Secret::new("refresh-hush"),
    }
}

/// A server that plants secrets in every place of its answers.
async fn server() -> Scripted {
    Scripted::start(|head, _| {
        let path = head.split([' ', '?']).nth(1).unwrap_or_default();
        match path {
            "/oauth/token" => token("bearer-hush-0001"),
            "/json" => response(
                200,
                "Content-Type: application/json\r\nSet-Cookie: sid=cookie-hush\r\nX-Session: session-hush-1\r\n",
                r#"{"data":{"session-token":"session-hush-1","account":{"account-number":"5WX12345","owners":["nested-hush"]},
                "external":{"accountNumber":777123456},"note":"jane@mail.example of client-hush","price":"500.10"}}"#,
            ),
            "/quote-token" => json(
                200,
                r#"{"data":{"token":"quote-hush+2/x","dxlink-url":"wss://feed.example/realtime?token=quote-hush%2B2%2Fx"}}"#,
            ),
            "/page" => response(
                503,
                "Content-Type: text/html\r\nRetry-After: 7\r\nServer: proxy\r\n",
                "<html>no refresh-hush, no quote-hush+2\\/x <input name='csrf_token' value='session-hush-1'></html>",
            ),
            "/csv" => response(200, "", "no key key-hush/1, no key key-hush%2F1,SPY"),
            _ => json(200, r#"{"data":{"streamer-token":"cut-hush-off"#),
        }
    })
    .await
}

/// Traffic of a source with the recorder on.
async fn traffic(recorder: &Recorder) {
    let server = server().await;
    let client = server.recorded_client(oauth(), Clock::System, recorder.tap("venue"));
    client.get(&Get::new("/json")).await.unwrap();
    client.get(&Get::new("/quote-token")).await.unwrap();
    let once = |path| Get { attempts: Some(1), ..Get::new(path) };
    client.get(&Get { path: "/accounts/5WX12345".to_owned(), ..once("/accounts/{}") }).await.unwrap_err();
    client.get(&once("/cut").with("email", "jane@mail.example").with("note", "bearer-hush-0001")).await.unwrap_err();
    client.get(&once("/page")).await.unwrap_err();
    let by_key = Auth::Query { name: "apikey", key: Secret::new("key-hush/1") };
    let by_key = server.recorded_client(by_key, Clock::System, recorder.tap("other"));
    by_key.get_as(&once("/csv").with("s", "SPY"), &|_: &[u8]| Ok(())).await.unwrap();
    let feed = recorder.tap("venue").feed("wss://user:login-hush@feed.example/realtime?token=quote-hush%2B2%2Fx");
    feed.sent(r#"{"type":"AUTH","channel":0,"token":"quote-hush+2/x"}"#);
    feed.received(r#"{"type":"AUTH_STATE","channel":0,"state":"AUTHORIZED","userId":"login-hush"}"#);
    feed.received(r#"{"type":"FEED_DATA","channel":1,"data":["Quote",["SPY",500.10]]}"#);
    feed.received(r#"{"type":"ERROR","channel":0,"message":"no session of quote-hush+2\/x"}"#);
    feed.ended("closed with code 1008 quote-hush+2/x");
}

#[tokio::test]
async fn no_secret_is_in_any_file() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("deep/recording");
    let recorder = recorder(&folder, LIMIT);
    traffic(&recorder).await;
    let recorded = recorder.finish().await.unwrap();
    assert_eq!((recorded.exchanges, recorded.frames, recorded.ended), (7, 4, None));
    let files = files(&folder);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["other/rest.jsonl", "recording.json", "venue/feed-1.jsonl", "venue/rest.jsonl"]);
    for (name, text) in &files {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} is in {name}: {text}");
        }
    }
    assert!(files["venue/rest.jsonl"].contains(r#"\"price\":\"500.10\""#), "{}", files["venue/rest.jsonl"]);
}

#[tokio::test]
async fn all_else_is_kept_as_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = recorder(folder.path(), LIMIT);
    traffic(&recorder).await;
    recorder.finish().await.unwrap();
    let files = files(folder.path());
    let rest = lines(&files["venue/rest.jsonl"]);
    let asked: Vec<_> =
        rest.iter().map(|line| format!("{} {}", line["method"], line["path"]).replace('"', "")).collect();
    let expected = ["POST /oauth/token", "GET /json", "GET /quote-token", "GET /accounts/***", "GET /cut", "GET /page"];
    assert_eq!(asked, expected);
    assert_eq!(rest[0]["asked"].as_str().unwrap().matches("***").count(), 2);
    let page = &rest[5];
    assert_eq!((&page["status"], &page["headers"]["retry-after"]), (&Value::from(503), &Value::from("7")));
    assert_eq!(
        page["headers"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["content-type", "retry-after", "server"]
    );
    assert_eq!(rest[4]["query"], "email=***&note=***");
    assert_eq!(rest[4]["body"], r#"{"data":{"streamer-token":"***""#);
    let csv = &lines(&files["other/rest.jsonl"])[0];
    assert_eq!(
        (&csv["query"], &csv["body"]),
        (&Value::from("s=SPY&apikey=***"), &Value::from("no key ***, no key ***,SPY"))
    );
    let feed = lines(&files["venue/feed-1.jsonl"]);
    assert_eq!(feed[0]["opened"], "wss://***@feed.example/realtime?token=***");
    assert_eq!(feed[1]["sent"], r#"{"type":"AUTH","channel":0,"token":"***"}"#);
    assert_eq!(feed[3]["received"], r#"{"type":"FEED_DATA","channel":1,"data":["Quote",["SPY",500.10]]}"#);
    assert_eq!(feed[5]["ended"], "closed with code 1008 ***");
    assert!(feed.iter().all(|line| line["at_ms"].is_u64()));
}

#[tokio::test]
async fn a_connection_that_breaks_and_one_that_never_was_are_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = recorder(folder.path(), LIMIT);
    let server = Scripted::start(|_, _| {
        "HTTP/1.1 200 X\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{\"half\":".to_owned()
    });
    let client = server.await.recorded_client(Auth::None, Clock::System, recorder.tap("venue"));
    let once = Get { attempts: Some(1), ..Get::new("/half") };
    client.get(&once).await.unwrap_err();
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let options = crate::config::SourceConfig { base_url: format!("http://{nobody}"), ..Default::default() };
    let client = super::super::Client::new(&options, Auth::None, Clock::System, recorder.tap("venue")).unwrap();
    client.get(&once).await.unwrap_err();
    recorder.finish().await.unwrap();
    let rest = lines(&files(folder.path())["venue/rest.jsonl"]);
    assert_eq!((&rest[0]["status"], &rest[0]["body"]), (&Value::from(200), &Value::from("{\"half\":")));
    assert!(rest[0]["broken"].is_string() && rest[1]["broken"].is_string());
    assert_eq!(rest[1].get("status"), None);
    assert!(!rest[1]["broken"].as_str().unwrap().contains("http://"), "{}", rest[1]);
}

#[tokio::test]
async fn a_recording_that_is_full_ends_by_a_whole_line_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = recorder(folder.path(), 20_000);
    let body = format!("\"{}\"", "x".repeat(4_000));
    let server = Scripted::start(move |_, _| json(200, &body)).await;
    let client = server.recorded_client(Auth::None, Clock::System, recorder.tap("venue"));
    for _ in 0..20 {
        client.get(&Get::new("/data")).await.unwrap();
    }
    let recorded = recorder.finish().await.unwrap();
    assert!(recorded.ended.unwrap().contains("it is full, at the limit of 20000 bytes"));
    assert!(recorded.bytes <= 20_000);
    assert_eq!(lines(&files(folder.path())["venue/rest.jsonl"]).len() as u64, recorded.exchanges);
    assert_eq!(recorded.exchanges, 3);
}

#[tokio::test]
async fn a_disk_that_fails_ends_the_recording_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = recorder(folder.path(), LIMIT);
    // Where a file would be made there is one that is no folder.
    std::fs::write(folder.path().join("venue"), "").unwrap();
    let server = Scripted::start(|_, _| json(200, "{}")).await;
    let client = server.recorded_client(Auth::None, Clock::System, recorder.tap("venue"));
    client.get(&Get::new("/data")).await.unwrap();
    client.get(&Get::new("/data")).await.unwrap();
    let recorded = recorder.finish().await.unwrap();
    assert!(recorded.ended.is_some() && recorded.exchanges == 0);
}

#[tokio::test]
async fn the_folder_is_new_or_empty_and_private() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("recording");
    let recorder = recorder(&folder, LIMIT);
    recorder.tap("venue").feed("wss://feed.example");
    recorder.finish().await.unwrap();
    let again = Recorder::start(&folder, LIMIT, &[], &Clock::System).unwrap_err();
    assert!(again.contains("it is not empty"), "{again}");
    let file = Recorder::start(&folder.join("recording.json"), LIMIT, &[], &Clock::System);
    assert!(file.is_err());
    #[cfg(unix)]
    for (path, mode) in [("", 0o700), ("venue", 0o700), ("recording.json", 0o600), ("venue/feed-1.jsonl", 0o600)] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(folder.join(path)).unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
    assert_eq!(Recorder::off().finish().await, None);
}
