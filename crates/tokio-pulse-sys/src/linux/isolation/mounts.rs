//! Where the control groups are mounted, and in which of them this process is.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use super::refusal::{self, Step};
use super::{Version, leftovers};
use crate::CpuGroupError;

/// The tree with the `cpu` controller, as this process sees it.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) kind: Version,
    /// Where the system begins: `/`, or a copy of it in a test.
    system: PathBuf,
    /// Where the tree is mounted, and which of its groups appears there.
    mount: Mount,
}

#[derive(Clone, Debug)]
struct Mount {
    point: PathBuf,
    root: PathBuf,
    read_only: bool,
}

impl Tree {
    /// The tree, and the directory in it below which this process makes its groups: its own group.
    pub(super) fn find(system: &Path) -> Result<(Self, PathBuf), CpuGroupError> {
        let table = system.join("proc/self/mountinfo");
        let mounts =
            fs::read(&table).map_err(|error| refusal::of(Step::ReadMounts, &table, &error))?;
        let own = system.join("proc/self/cgroup");
        let groups = fs::read_to_string(&own)
            .map_err(|error| refusal::of(Step::ReadMounts, &own, &error))?;

        // A controller is in one tree at a time: if the first version has it, that is where it is.
        for kind in [Version::CgroupV1, Version::CgroupV2] {
            let Some(path) = path_of(&groups, kind) else { continue };
            let mut candidates = mounts_of(&mounts, kind);
            if candidates.is_empty() {
                if kind == Version::CgroupV1 {
                    return Err(refusal::controller_not_mounted());
                }
                continue;
            }
            candidates.sort_by_key(|mount| mount.read_only);
            let trees =
                candidates.into_iter().map(|mount| Self { kind, system: system.to_owned(), mount });
            let mut outside = None;
            for tree in trees {
                match tree.directory(&path) {
                    Some(base) => return Ok((tree, leftovers::without_own(&base).to_owned())),
                    None => outside = Some(tree.mount.point),
                }
            }
            return Err(refusal::outside_of_mount(&outside.unwrap_or_default()));
        }
        Err(refusal::no_control_groups())
    }

    #[cfg(test)]
    pub(super) fn on_the_real_system(&mut self) {
        self.system = "/".into();
    }

    /// The directory that the calling thread is in.
    pub(super) fn of_current_thread(&self) -> Option<PathBuf> {
        let file = self.system.join("proc/thread-self/cgroup");
        self.directory(&path_of(&fs::read_to_string(file).ok()?, self.kind)?)
    }

    /// Where a group's directory is, if it can be seen through this mount.
    fn directory(&self, group: &Path) -> Option<PathBuf> {
        let below = group.strip_prefix(&self.mount.root).ok()?;
        // A group outside of this process's cgroup namespace begins with `/..`.
        if below.components().any(|part| part == Component::ParentDir) {
            return None;
        }
        let point = self.mount.point.strip_prefix("/").unwrap_or(&self.mount.point);
        // No trailing slash for the root group.
        Some(self.system.join(point).join(below).components().collect())
    }
}

/// This process's or thread's group. The lines are `number:controllers:path`.
fn path_of(groups: &str, kind: Version) -> Option<PathBuf> {
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let found = match kind {
            Version::CgroupV1 => controllers.split(',').any(|name| name == "cpu"),
            Version::CgroupV2 => number == "0" && controllers.is_empty(),
        };
        found.then(|| PathBuf::from(path))
    })
}

/// The mounts of the tree. The fields are described in `proc_pid_mountinfo(5)`.
fn mounts_of(table: &[u8], kind: Version) -> Vec<Mount> {
    let mount = |line: &[u8]| {
        let mut fields = line.split(|&byte| byte == b' ');
        let root = fields.nth(3)?;
        let point = fields.next()?;
        let options = fields.next()?;
        // A varying number of tags comes before the dash.
        fields.find(|field| *field == b"-")?;
        let system = fields.next()?;
        let mut super_options = fields.nth(1)?.split(|&byte| byte == b',');
        let found = match kind {
            Version::CgroupV1 => {
                system == b"cgroup" && super_options.any(|option| option == b"cpu")
            }
            Version::CgroupV2 => system == b"cgroup2",
        };
        found.then(|| Mount {
            point: unescape(point),
            root: unescape(root),
            read_only: options.split(|&byte| byte == b',').any(|option| option == b"ro"),
        })
    };
    table.split(|&byte| byte == b'\n').filter_map(mount).collect()
}

/// The kernel writes space, tab, newline and backslash as a backslash and three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match tail {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] if *byte == b'\\' => {
                path.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = after;
            }
            _ => path.push(*byte),
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_groups_are_told_apart() {
        let hybrid = "4:cpuset:/set\n3:cpu,cpuacct:/a:b\n1:name=systemd:/s\n0::/unified\n";
        assert_eq!(path_of(hybrid, Version::CgroupV1), Some("/a:b".into()));
        assert_eq!(path_of(hybrid, Version::CgroupV2), Some("/unified".into()));
        assert_eq!(path_of("4:cpuset:/set\nnonsense\n", Version::CgroupV1), None);
        assert_eq!(path_of("", Version::CgroupV2), None);
    }

    #[test]
    fn lines_of_mounts_are_told_apart() {
        let table = b"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
            32 31 0:29 /docker/x /sys/fs/cgroup/a\\040b ro,nosuid shared:9 master:1 - cgroup c rw,cpu,cpuacct\n\
            34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n\
            cut short\n\n\
            41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let v1 = mounts_of(table, Version::CgroupV1);
        assert_eq!(v1.len(), 1);
        assert_eq!(v1[0].point, Path::new("/sys/fs/cgroup/a b"));
        assert_eq!(v1[0].root, Path::new("/docker/x"));
        assert!(v1[0].read_only);
        let v2 = mounts_of(table, Version::CgroupV2);
        assert_eq!(v2.len(), 1);
        assert!(!v2[0].read_only);
    }

    #[test]
    fn a_group_is_looked_for_below_what_is_mounted() {
        let tree = |root: &str| Tree {
            kind: Version::CgroupV1,
            system: "/".into(),
            mount: Mount { point: "/cg".into(), root: root.into(), read_only: false },
        };
        assert_eq!(tree("/").directory(Path::new("/")), Some("/cg".into()));
        assert_eq!(tree("/").directory(Path::new("/a/b")), Some("/cg/a/b".into()));
        assert_eq!(tree("/a").directory(Path::new("/a/b")), Some("/cg/b".into()));
        assert_eq!(tree("/a").directory(Path::new("/ab")), None);
        assert_eq!(tree("/").directory(Path::new("/../../b")), None);
    }
}
