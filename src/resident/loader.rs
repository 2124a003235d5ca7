//! Loads what readers asked for, one file after the other, on a thread of its own.
//!
//! Whoever asks does not wait. What is asked for while much is waiting is not loaded: who asks again gets it then.

use super::file::ResidentFile;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::runtime::{Builder, Runtime};

/// Files that may wait.
const WAITING_MAX: usize = 4096;

/// Columns of a file that somebody asked for.
pub(super) struct Request {
    file: Arc<ResidentFile>,
    columns: Vec<usize>,
}

/// Where columns are asked for.
#[derive(Debug)]
pub(super) struct Loader(SyncSender<Request>);

/// A loader, and what it is asked for.
pub(super) fn channel() -> (Loader, Receiver<Request>) {
    let (sender, requests) = sync_channel(WAITING_MAX);
    (Loader(sender), requests)
}

impl Loader {
    /// Asks for columns of a file, those that are not here yet and were not asked for.
    pub(super) fn ask(&self, file: &Arc<ResidentFile>, columns: &[usize]) {
        let columns = file.ask(columns);
        if columns.is_empty() {
            return;
        }
        if let Err(TrySendError::Full(request) | TrySendError::Disconnected(request)) =
            self.0.try_send(Request { file: file.clone(), columns })
        {
            request.file.answered(&request.columns);
        }
    }
}

/// Has requests answered from now on, until nobody can make one any more.
///
/// # Errors
/// The system gives no thread.
pub(super) fn start(
    requests: Receiver<Request>,
    load: impl Fn(&Runtime, &ResidentFile, &[usize]) + Send + 'static,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let serve = move || {
        while let Ok(request) = requests.recv() {
            load(&runtime, &request.file, &request.columns);
            request.file.answered(&request.columns);
        }
    };
    std::thread::Builder::new().name("tt-resident".to_owned()).spawn(serve).map(drop)
}
