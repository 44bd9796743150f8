//! The limit that a container sets to the memory of its programs. Shared memory counts against it.

use std::fs;
use std::path::Path;

/// The limit of this process' control group in bytes, if it has one.
pub(crate) fn memory_limit() -> Option<u64> {
    limit_below(Path::new("/"))
}

/// The same on a system whose files are below `root`.
fn limit_below(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let controllers = parts.next()?;
        let group = parts.next()?.trim_start_matches('/');
        let mount = match controllers {
            "" => root.join("sys/fs/cgroup"),
            "memory" => root.join("sys/fs/cgroup/memory"),
            _ => return None,
        };
        let file = if controllers.is_empty() { "memory.max" } else { "memory.limit_in_bytes" };
        // A container may see its own group as the whole mount.
        let places = [mount.join(group).join(file), mount.join(file)];
        places.iter().filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok()).min()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(files: &[(&str, &str)]) -> Option<u64> {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        limit_below(dir.path())
    }

    #[test]
    fn the_lowest_limit_of_either_kind_of_control_group_is_found() {
        let unified = ("proc/self/cgroup", "0::/app\n");
        assert_eq!(
            limit(&[unified, ("sys/fs/cgroup/app/memory.max", "67108864\n")]),
            Some(64 << 20)
        );
        assert_eq!(limit(&[unified, ("sys/fs/cgroup/memory.max", "1048576\n")]), Some(1 << 20));
        assert_eq!(limit(&[unified, ("sys/fs/cgroup/app/memory.max", "max\n")]), None);
        let both = ("proc/self/cgroup", "9:cpu:/\n4:memory:/docker/1\n0::/\n");
        let file = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
        assert_eq!(limit(&[both, file]), Some(4096));
        assert_eq!(limit(&[both]), None);
        assert_eq!(limit(&[]), None);
    }
}
