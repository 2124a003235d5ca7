//! The writing side of a dxLink connection: a task that alone waits for the client, so that one that does not read cannot
//! stop the reading.

use futures::SinkExt;
use futures::stream::SplitSink;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Messages that are on their way to the client.
const ON_THE_WAY: usize = 16;

/// The task, and where messages for it are put.
pub(crate) struct Writer {
    pub(crate) queue: mpsc::Sender<Message>,
    task: JoinHandle<Result<(), Error>>,
}

impl Writer {
    pub(crate) fn start(mut sink: SplitSink<WebSocketStream<TcpStream>, Message>) -> Self {
        let (sender, mut queue) = mpsc::channel::<Message>(ON_THE_WAY);
        let task = tokio::spawn(async move {
            while let Some(message) = queue.recv().await {
                sink.feed(message).await?;
                if queue.is_empty() {
                    sink.flush().await?;
                }
            }
            sink.flush().await
        });
        Self { queue: sender, task }
    }

    /// Sends what is on its way. A client that does not read any more is not waited for.
    pub(crate) async fn end(self) {
        drop(self.queue);
        let _ = tokio::time::timeout(Duration::from_secs(1), self.task).await;
    }

    /// Ends at once and without a word.
    pub(crate) fn abort(self) {
        self.task.abort();
    }
}
