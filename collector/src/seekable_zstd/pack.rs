//! Compression of a file: a death at any byte leaves the plain or the compressed one whole.
//!
//! ```text
//!  1  app.log.20261122T184223Z.zst.new   written, and on the disk
//!  2  app.log.20261122T184223Z.zst.new   renamed to app.log.20261122T184223Z.zst
//!  3  app.log.20261122T184223Z           removed
//! ```
//!
//! Died between the last two steps, [`finish`] does the third.

use super::SeekableFile;
use super::cutter::{FRAME, FrameCutter};
use super::table::{MOST, SeekTable};
use crate::layout::paths::{next_of, own, packed_of, sync_directory};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

/// zstd's own default: twice as fast as the next that packs noticeably better.
const LEVEL: i32 = 3;

/// Sizes of a file before and after it was compressed.
#[derive(Debug)]
pub(crate) struct CompressedSizes {
    pub(crate) before: u64,
    pub(crate) after: u64,
}

/// Packs the file at `old` and puts the packed one in its place. `go_on` is asked before every step,
/// and with what it fails the packing is given up.
///
/// # Errors
///
/// Whatever is wrong, `old` is as it was, and what was begun beside it is removed.
pub(crate) fn pack(
    old: &Path,
    go_on: &mut dyn FnMut() -> io::Result<()>,
) -> io::Result<CompressedSizes> {
    let packing = swap(old, go_on);
    if packing.is_err() {
        let _ = fs::remove_file(next_of(&packed_of(old)));
    }
    packing
}

/// Does what a packing left undone when the collector died in the middle of it.
///
/// # Errors
///
/// Also when what is called as if it were the packed file is something else; both stay then.
pub(crate) fn finish(old: &Path) -> io::Result<()> {
    let packed = packed_of(old);
    match fs::remove_file(next_of(&packed)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if !packed.try_exists()? || !old.try_exists()? {
        return Ok(());
    }
    let len = match SeekableFile::open(&packed) {
        Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
        open => open.ok().map(|packed| packed.len()),
    };
    if len != Some(fs::metadata(old)?.len()) {
        let what = "the .zst beside it is damaged, or of something else";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    sync_directory(&packed)?;
    fs::remove_file(old)
}

fn swap(old: &Path, go_on: &mut dyn FnMut() -> io::Result<()>) -> io::Result<CompressedSizes> {
    let packed = packed_of(old);
    let new = next_of(&packed);
    let file = own(OpenOptions::new().read(true)).open(old)?;
    let metadata = file.metadata()?;
    go_on()?;
    // Readable by nobody else until it is known who may read it.
    let mut out = OpenOptions::new();
    let mut out = own(out.write(true).create(true).truncate(true).mode(0o600)).open(&new)?;
    // Whoever cannot give it away keeps it.
    let _ = fchown(&out, Some(metadata.uid()), Some(metadata.gid()));
    out.set_permissions(metadata.permissions())?;
    let table = write_frames(&file, &mut out, go_on)?;
    go_on()?;
    let end = table.bytes()?;
    out.write_all(&end)?;
    if table.text_len() != file.metadata()?.len() {
        return Err(io::Error::other("somebody writes to it"));
    }
    go_on()?;
    out.set_modified(metadata.modified()?)?;
    out.sync_all()?;
    let after = out.metadata()?.len();
    go_on()?;
    fs::rename(&new, &packed)?;
    go_on()?;
    sync_directory(&packed)?;
    go_on()?;
    fs::remove_file(old)?;
    Ok(CompressedSizes { before: table.text_len(), after })
}

fn write_frames(
    file: &File,
    out: &mut File,
    go_on: &mut dyn FnMut() -> io::Result<()>,
) -> io::Result<SeekTable> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    // A table has its limit, and a file has none.
    let least = usize::try_from(file.metadata()?.len() / (MOST / 2)).unwrap_or(usize::MAX);
    let mut cutter = FrameCutter::new(file, FRAME.max(least));
    let mut table = SeekTable::default();
    while let Some(text) = cutter.next()? {
        let frame = compressor.compress(&text)?;
        go_on()?;
        out.write_all(&frame)?;
        table.push(frame.len() as u64, text.len() as u64);
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use tempfile::tempdir;

    fn text() -> Vec<u8> {
        (0..60_000).flat_map(|number| format!("line {number}\n").into_bytes()).collect()
    }

    /// Dies before its `steps`-th step; what was written last is on the disk but for its end.
    fn die(old: &Path, steps: usize, torn: usize) -> bool {
        let mut left = steps;
        let lived = swap(old, &mut || {
            left = left.checked_sub(1).ok_or(io::ErrorKind::Interrupted)?;
            Ok(())
        });
        if let Ok(new) = OpenOptions::new().write(true).open(next_of(&packed_of(old))) {
            let len = new.metadata().unwrap().len();
            new.set_len(len.saturating_sub(torn as u64)).unwrap();
        }
        lived.is_ok()
    }

    /// The text, from wherever it is; what is there has to be whole.
    fn held(old: &Path) -> Vec<u8> {
        let packed = packed_of(old);
        let from_packed = packed.exists().then(|| {
            let packed = SeekableFile::open(&packed).unwrap();
            packed.read_at(0, packed.len()).unwrap()
        });
        let plain = old.exists().then(|| fs::read(old).unwrap());
        assert!(from_packed.is_none() || plain.is_none() || from_packed == plain);
        plain.or(from_packed).expect("the one or the other")
    }

    #[test]
    fn a_death_at_any_step_leaves_the_old_file_or_the_packed_one_whole() {
        let text = text();
        let (mut steps, mut ended) = (0, false);
        while !ended {
            for torn in [0, 1, 30, 100_000] {
                let dir = tempdir().unwrap();
                let old: PathBuf = dir.path().join("app.log.20261122T184223Z");
                fs::write(&old, &text).unwrap();
                ended = die(&old, steps, torn);
                assert!(held(&old) == text, "died before step {steps}");
                finish(&old).unwrap();
                assert!(held(&old) == text, "finished after step {steps}");
                assert!(!(old.exists() && packed_of(&old).exists()));
                assert!(!next_of(&packed_of(&old)).exists());
                if old.exists() {
                    pack(&old, &mut || Ok(())).unwrap();
                }
                assert!(held(&old) == text && !old.exists());
            }
            steps += 1;
        }
        assert!(steps > 8, "{steps} steps");
    }

    #[test]
    fn what_cannot_be_packed_stays_and_leaves_nothing_behind() {
        let dir = tempdir().unwrap();
        let old = dir.path().join("app.log.20261122T184223Z");
        fs::write(&old, text()).unwrap();
        let mut left = 3;
        let full = pack(&old, &mut || {
            left -= 1;
            if left > 0 { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
        });
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_only_has_the_name_of_the_packed_file_is_left_alone_and_so_is_the_old_one() {
        let dir = tempdir().unwrap();
        let old = dir.path().join("app.log.20261122T184223Z");
        fs::write(&old, text()).unwrap();
        fs::write(packed_of(&old), zstd::encode_all(&b"another\n"[..], 1).unwrap()).unwrap();
        assert_eq!(finish(&old).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_packed_file_has_the_age_and_the_rights_of_the_old_one() {
        let dir = tempdir().unwrap();
        let old = dir.path().join("app.log.20261122T184223Z");
        fs::write(&old, text()).unwrap();
        fs::set_permissions(&old, fs::Permissions::from_mode(0o640)).unwrap();
        let file = OpenOptions::new().write(true).open(&old).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(99)).unwrap();
        let packing = pack(&old, &mut || Ok(())).unwrap();
        let packed = fs::metadata(packed_of(&old)).unwrap();
        assert_eq!((packed.mtime(), packed.mode() & 0o7777), (99, 0o640));
        assert_eq!((packing.before, packing.after), (text().len() as u64, packed.len()));
        assert!(packing.after < packing.before / 4);
    }
}
