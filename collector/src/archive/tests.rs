//! Segments and stores: what is copied, compared and kept.

use super::error::UploadError;
use super::segment_source::SegmentSource;
use super::upload::Uploader;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use std::fs;
use std::sync::Arc;
use tempfile::{TempDir, tempdir};

const NAME: &str = "app.log.20261122T184223Z-42";

/// A store without checksums in its ETags, and a segment with this content, in parts of five bytes.
struct Stage {
    store: Arc<InMemory>,
    uploader: Uploader,
    dir: TempDir,
}

impl Stage {
    fn set() -> Self {
        let store = Arc::new(InMemory::new());
        let uploader = Uploader { store: store.clone(), prefix: "site/web1".to_owned() };
        Self { store, uploader, dir: tempdir().unwrap() }
    }

    fn segment(&self, content: &str) -> SegmentSource {
        let path = self.dir.path().join(NAME);
        fs::write(&path, content).unwrap();
        SegmentSource::open(&path, 5).unwrap()
    }

    async fn copy(&self, segment: &SegmentSource) -> Result<String, UploadError> {
        self.uploader.copy(NAME, segment).await
    }

    async fn content(&self, object: &str) -> Vec<u8> {
        let got = self.store.get(&ObjectPath::from(object)).await.unwrap();
        got.bytes().await.unwrap().to_vec()
    }
}

#[tokio::test]
async fn a_segment_is_copied_whole_or_in_parts_and_under_the_prefix() {
    for content in ["", "four", "more than five bytes"] {
        let stage = Stage::set();
        let object = stage.copy(&stage.segment(content)).await.unwrap();
        assert_eq!(object, format!("site/web1/{NAME}"));
        assert_eq!(stage.content(&object).await, content.as_bytes());
    }
}

#[tokio::test]
async fn what_is_there_already_is_compared_and_not_sent_again() {
    let stage = Stage::set();
    let segment = stage.segment("more than five bytes");
    let object = stage.copy(&segment).await.unwrap();
    let before = stage.store.head(&ObjectPath::from(&*object)).await.unwrap();
    assert_eq!(stage.copy(&segment).await.unwrap(), object);
    let after = stage.store.head(&ObjectPath::from(&*object)).await.unwrap();
    assert_eq!(before.e_tag, after.e_tag);
}

#[tokio::test]
async fn an_object_with_other_content_is_left_alone_and_the_segment_gets_another_name() {
    for (theirs, ours) in [("theirs", "other!"), ("long theirs", "longer ours"), ("a", "four")] {
        let stage = Stage::set();
        let taken = ObjectPath::from(format!("site/web1/{NAME}"));
        stage.store.put(&taken, theirs.to_owned().into()).await.unwrap();
        let segment = stage.segment(ours);
        let object = stage.copy(&segment).await.unwrap();
        assert_eq!(object, format!("{taken}.{}", &segment.etag[..12]));
        assert_eq!(stage.content(&object).await, ours.as_bytes());
        assert_eq!(stage.content(taken.as_ref()).await, theirs.as_bytes());
        // Both names are taken by others.
        stage.store.put(&ObjectPath::from(&*object), "x".into()).await.unwrap();
        let error = stage.copy(&segment).await.unwrap_err();
        assert!(error.to_string().ends_with("exists with other content"), "{error}");
    }
}

#[tokio::test]
async fn a_segment_that_is_cut_while_it_is_copied_does_not_count_as_archived() {
    let stage = Stage::set();
    let segment = stage.segment("more than five bytes");
    fs::write(stage.dir.path().join(NAME), "more").unwrap();
    let error = stage.copy(&segment).await.unwrap_err();
    assert!(matches!(error, UploadError::Segment(_)), "{error}");
}
