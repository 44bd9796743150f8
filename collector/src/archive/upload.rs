//! One segment on its way into a store, and the comparison afterwards.

use super::error::UploadError;
use super::segment_source::SegmentSource;
use object_store::path::Path as ObjectPath;
use object_store::{Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use std::sync::Arc;

/// Digits of the checksum in the name of a segment whose own name is taken.
const DIGITS: usize = 12;

/// Copies segments into a store.
#[derive(Debug)]
pub(super) struct Uploader {
    pub(super) store: Arc<dyn ObjectStore>,
    /// Beginning of all names, without a slash at its end.
    pub(super) prefix: String,
}

impl Uploader {
    /// Copies a segment to the object of this `name`, or to one with a part of its checksum in the
    /// name if there is another one already. Returns the object's name, once it was compared.
    ///
    /// # Errors
    ///
    /// When the segment cannot be read, or the store does not have all of it.
    pub(super) async fn copy(
        &self,
        name: &str,
        source: &SegmentSource,
    ) -> Result<String, UploadError> {
        for name in [name.to_owned(), with_checksum(name, &source.etag)] {
            let object = self.object(&name)?;
            self.create(&object, source).await?;
            if self.is_equal(&object, source).await? {
                return Ok(object.to_string());
            }
        }
        Err(UploadError::Taken(with_checksum(name, &source.etag)))
    }

    fn object(&self, name: &str) -> Result<ObjectPath, UploadError> {
        let text = match &*self.prefix {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        };
        Ok(ObjectPath::parse(&text).unwrap_or_else(|_| ObjectPath::from(text)))
    }

    /// Creates the object, unless there is one of its name.
    async fn create(&self, object: &ObjectPath, source: &SegmentSource) -> Result<(), UploadError> {
        let created = match source.parts() {
            1 => {
                let payload = PutPayload::from(source.read(0)?);
                let put = self.store.put_opts(object, payload, PutMode::Create.into()).await;
                put.map(drop).map_err(UploadError::Store)
            }
            _ => self.create_in_parts(object, source).await,
        };
        match created {
            Err(UploadError::Store(error)) if is_there(&error) => Ok(()),
            created => created,
        }
    }

    async fn create_in_parts(
        &self,
        object: &ObjectPath,
        source: &SegmentSource,
    ) -> Result<(), UploadError> {
        // The condition holds at the end, when all parts have been sent.
        match self.store.head(object).await {
            Ok(_) => return Ok(()),
            // Without the right to list a bucket, a missing object is reported as a refusal.
            Err(Error::NotFound { .. } | Error::PermissionDenied { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let mut upload = self.store.put_multipart(object).await?;
        let sent = send_parts(&mut *upload, source).await;
        if sent.is_err() {
            // If this fails too, the parts stay until the bucket's own rules remove them.
            let _ = upload.abort().await;
        }
        sent
    }

    /// Tells whether the object has the content of the segment.
    async fn is_equal(
        &self,
        object: &ObjectPath,
        source: &SegmentSource,
    ) -> Result<bool, UploadError> {
        let there = self.store.head(object).await?;
        if there.size != source.len {
            return Ok(false);
        }
        let etag = there.e_tag.as_deref().map(|etag| etag.trim_matches('"'));
        if etag == Some(&source.etag) || source.len == 0 {
            return Ok(true);
        }
        // With a key of its own, or in parts of another size, the ETag is another one.
        for number in 0..source.parts() {
            let theirs = self.store.get_range(object, source.range(number)).await?;
            if theirs != source.read(number)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

async fn send_parts(
    upload: &mut dyn MultipartUpload,
    source: &SegmentSource,
) -> Result<(), UploadError> {
    for number in 0..source.parts() {
        upload.put_part(source.read(number)?.into()).await?;
    }
    upload.complete().await?;
    Ok(())
}

/// Tells whether an object was not created because there is one.
fn is_there(error: &Error) -> bool {
    use Error::{AlreadyExists, NotModified, Precondition};
    matches!(error, AlreadyExists { .. } | Precondition { .. } | NotModified { .. })
}

/// `app.log.TIME.zst` as `app.log.TIME.CHECKSUM.zst`.
fn with_checksum(name: &str, etag: &str) -> String {
    let checksum = &etag[..DIGITS.min(etag.len())];
    match name.strip_suffix(".zst") {
        Some(name) => format!("{name}.{checksum}.zst"),
        None => format!("{name}.{checksum}"),
    }
}
