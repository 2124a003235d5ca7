//! Loads what readers asked for, one file after the other, on a thread of its own.
//!
//! Whoever asks does not wait. What is asked for while much is waiting is not loaded: who asks again gets it then.

use super::Residents;
use super::file::ResidentFile;
use super::load::Opened;
use parquet::errors::ParquetError;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Weak};

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

/// Loads from now on, until the residents are gone.
pub(super) fn start(residents: &Arc<Residents>, requests: Receiver<Request>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let residents = Arc::downgrade(residents);
    let serve = move || {
        while let Ok(request) = requests.recv() {
            runtime.block_on(answer(&residents, &request));
            request.file.answered(&request.columns);
        }
    };
    std::thread::Builder::new().name("tt-resident".to_owned()).spawn(serve).map(drop)
}

/// Loads the columns of one request if there is room for them. A file that cannot be read is left to its readers, who
/// tell of it.
async fn answer(residents: &Weak<Residents>, request: &Request) {
    let Some(residents) = residents.upgrade() else { return };
    if let Err(error) = load(&residents, request).await {
        tracing::debug!("columns of a file are not kept in memory: {error}");
    }
}

async fn load(residents: &Residents, request: &Request) -> Result<(), ParquetError> {
    let Some(opened) = Opened::of(&residents.store, &request.file, &request.columns).await? else {
        request.file.set_unfit();
        return Ok(());
    };
    if residents.has_room(opened.bytes(), &request.file) {
        residents.keep(&request.file, opened.load().await?);
    }
    Ok(())
}
