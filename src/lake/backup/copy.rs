//! One file on its way from a store to another, with its size and checksum.

use super::super::Root;
use super::super::digest::Digests;
use bytes::Bytes;
use futures::{StreamExt, stream};
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

/// What object stores give.
type Result<T, E = Error> = std::result::Result<T, E>;

/// Larger files come in parts of this size, of which one is in memory.
const PART_BYTES: u64 = 8 << 20;

/// Files that are copied at once.
const COPIES: usize = 8;

/// What became of all copies, a few of which are made at once. After one that failed no more are begun, and those that were
/// are waited for: a write that goes on behind the error would put its file over whatever comes after.
///
/// # Errors
/// That of the first copy that failed, in the order in which they end.
pub(super) async fn all<T, E>(copies: impl Iterator<Item = impl Future<Output = Result<T, E>>>) -> Result<Vec<T>, E> {
    let failed = AtomicBool::new(false);
    let guarded = copies.map(|copy| async {
        if failed.load(Ordering::Relaxed) {
            return None;
        }
        let outcome = copy.await;
        failed.fetch_or(outcome.is_err(), Ordering::Relaxed);
        Some(outcome)
    });
    let outcomes: Vec<Option<Result<T, E>>> = stream::iter(guarded).buffer_unordered(COPIES).collect().await;
    outcomes.into_iter().flatten().collect()
}

/// What was copied: its size and checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) bytes: u64,
    pub(super) crc32: u32,
}

/// Copies an object to the place that `place` chooses by what was read. A large one is read as far as it reached when it
/// was listed. One that is not what its digests say is refused.
pub(super) async fn copy(
    from: &Root,
    listed: &ObjectMeta,
    to: &Root,
    digests: Option<&Digests>,
    place: impl Fn(&ObjectMeta) -> Path,
) -> Result<(Path, Copied)> {
    if listed.size > PART_BYTES {
        let to_path = place(listed);
        return Ok((to_path.clone(), copy_parts(from, listed, to, &to_path, digests).await?));
    }
    let object = from.store.get(&listed.location).await?;
    let read = object.meta.clone();
    let bytes = object.bytes().await?;
    check(listed, digests, 0, &bytes)?;
    let copied = Copied { bytes: bytes.len() as u64, crc32: crc32fast::hash(&bytes) };
    let to_path = place(&ObjectMeta { size: copied.bytes, ..read });
    to.store.put(&to_path, PutPayload::from_bytes(bytes)).await?;
    Ok((to_path, copied))
}

async fn copy_parts(
    from: &Root,
    listed: &ObjectMeta,
    to: &Root,
    to_path: &Path,
    digests: Option<&Digests>,
) -> Result<Copied> {
    let mut upload = to.store.put_multipart(to_path).await?;
    let mut hasher = crc32fast::Hasher::new();
    let mut at = 0;
    let sent = each_part(from, listed, async |part| {
        check(listed, digests, at, &part)?;
        at += part.len() as u64;
        hasher.update(&part);
        upload.put_part(PutPayload::from_bytes(part)).await
    });
    match sent.await {
        Ok(()) => upload.complete().await?,
        Err(error) => {
            // What was written of it is of no use.
            let _ = upload.abort().await;
            return Err(error);
        }
    };
    Ok(Copied { bytes: listed.size, crc32: hasher.finalize() })
}

/// Whether bytes, which begin at `at` in an object, are what was written.
fn check(listed: &ObjectMeta, digests: Option<&Digests>, at: u64, bytes: &[u8]) -> Result<()> {
    let Some(digests) = digests else { return Ok(()) };
    digests.check(at, bytes).map_err(|range| {
        let source = format!(
            "{} is damaged: bytes {} to {} are not what was written (tt lake repair tells what is left)",
            listed.location, range.start, range.end
        );
        Error::Generic { store: "backup", source: source.into() }
    })
}

/// Reads an object for its checksum.
pub(super) async fn checksum(root: &Root, listed: &ObjectMeta) -> Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    each_part(root, listed, async |part| {
        hasher.update(&part);
        Ok(())
    })
    .await?;
    Ok(hasher.finalize())
}

async fn each_part(root: &Root, listed: &ObjectMeta, mut take: impl AsyncFnMut(Bytes) -> Result<()>) -> Result<()> {
    let mut at = 0;
    while at < listed.size {
        let until = listed.size.min(at + PART_BYTES);
        let part = root.store.get_range(&listed.location, at..until).await?;
        if part.len() as u64 != until - at {
            return Err(short(listed));
        }
        take(part).await?;
        at = until;
    }
    Ok(())
}

fn short(listed: &ObjectMeta) -> Error {
    let source = format!("{} has become shorter than {} bytes", listed.location, listed.size);
    Error::Generic { store: "backup", source: source.into() }
}

/// The objects below a folder, those of the folders in it too.
pub(super) async fn list(store: &dyn ObjectStore, folder: &Path) -> Result<Vec<ObjectMeta>> {
    use futures::TryStreamExt;
    store.list(Some(folder)).try_collect().await
}

/// The name of an object in the folder of a root, with `/` between its parts.
pub(super) fn name_in(folder: &Path, location: &Path) -> Option<String> {
    Some(Path::from_iter(location.prefix_match(folder)?).to_string())
}

/// The place of a name in the folder of a root. A name that leads out of it has none.
pub(super) fn place_in(folder: &Path, name: &str) -> Option<Path> {
    let name = Path::parse(name).ok().filter(|name| name.parts().next().is_some())?;
    Some(Path::from_iter(folder.parts().chain(name.parts())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[tokio::test]
    async fn a_copy_that_was_begun_is_waited_for_and_none_is_begun_behind_an_error() {
        let (refused, begun, ended) = (&AtomicBool::new(false), &AtomicUsize::new(0), &AtomicUsize::new(0));
        let copy = |number: usize| async move {
            begun.fetch_add(1, Ordering::Relaxed);
            if number == 0 {
                while begun.load(Ordering::Relaxed) < COPIES {
                    tokio::task::yield_now().await;
                }
                refused.store(true, Ordering::Relaxed);
                return Err("refused");
            }
            // Those that were begun beside it are slower.
            while !refused.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
            tokio::task::yield_now().await;
            ended.fetch_add(1, Ordering::Relaxed);
            Ok(number)
        };
        assert_eq!(all((0..3 * COPIES).map(copy)).await, Err("refused"));
        assert_eq!((begun.load(Ordering::Relaxed), ended.load(Ordering::Relaxed)), (COPIES, COPIES - 1));
        // With none that fails all are made.
        let few: Result<Vec<usize>, &str> = all((1..3 * COPIES).map(copy)).await;
        assert_eq!(few.map(|few| few.len()), Ok(3 * COPIES - 1));
    }
}
