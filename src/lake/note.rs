//! Notes beside the tables: what a collecting server remembers that is of no single dataset. Each is a file in `state/`.

use super::{Lake, LakeError};
use object_store::{ObjectStoreExt, PutPayload};

impl Lake {
    /// Writes a note over the one before; on the disk when it returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn write_note(&self, name: &'static str, text: Vec<u8>) -> Result<(), LakeError> {
        let path = self.root.path(&["state", &format!("{name}.json")]);
        let written = self.root.store.put(&path, PutPayload::from(text)).await;
        written.map(drop).map_err(|error| LakeError::file(name, self.root.name(&path), &error))
    }

    /// A note as it was written; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn read_note(&self, name: &'static str) -> Result<Option<Vec<u8>>, LakeError> {
        let path = self.root.path(&["state", &format!("{name}.json")]);
        let object = match self.root.store.get(&path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            object => object.map_err(|error| LakeError::file(name, self.root.name(&path), &error))?,
        };
        let bytes = object.bytes().await.map_err(|error| LakeError::file(name, self.root.name(&path), &error))?;
        Ok(Some(bytes.to_vec()))
    }
}
