//! Refusals, against copies of a system in plain directories; owners, against real processes.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::*;

const LIMIT: CpuLimit =
    CpuLimit { quota: Duration::from_millis(50), period: Duration::from_millis(100) };

/// What looks like `/` to the code under test. Plain directories do not become groups, so nothing
/// but refusals can be had from it.
struct System(tempfile::TempDir);

impl System {
    fn new(mounts: &str, groups: &str) -> Self {
        let system = Self(tempfile::tempdir().unwrap());
        system.file("proc/self/mountinfo", mounts);
        system.file("proc/self/cgroup", groups);
        system
    }

    fn v1() -> Self {
        Self::new("32 31 0:29 / /cg rw - cgroup cgroup rw,cpu\n", "1:cpu:/own\n")
    }

    fn v2() -> Self {
        let system = Self::new("32 31 0:29 / /cg rw - cgroup2 cgroup2 rw\n", "0::/own\n");
        system.file("cg/own/cgroup.controllers", "memory cpu pids\n");
        system.file("cg/own/cgroup.subtree_control", "");
        system
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.0.path().join(path)).unwrap()
    }

    /// The words of the refusal. Whatever it is, nothing is left behind.
    #[track_caller]
    fn refusal(&self) -> String {
        let error = CpuGroup::create_on(self.0.path(), LIMIT).unwrap_err();
        assert!(!leftovers::any(&self.0.path().join("cg/own")), "{error}");
        assert!(error.reason().remedy().is_some_and(|remedy| !remedy.is_empty()), "{error}");
        error.to_string()
    }
}

#[track_caller]
fn assert_says(text: &str, what: &str) {
    assert!(text.contains(what), "{text:?} does not say {what:?}");
}

#[test]
fn missing_mounts_and_controllers_are_named() {
    let nothing = tempfile::tempdir().unwrap();
    let error = CpuGroup::create_on(nothing.path(), LIMIT).unwrap_err();
    assert_eq!(error.place(), Some(nothing.path().join("proc/self/mountinfo").as_path()));

    let system = System::new("", "");
    assert_says(&system.refusal(), "no control groups are mounted");
    let system = System::new("31 23 0:28 / / rw - ext4 /dev/x rw\n", "1:cpu:/\n0::/\n");
    assert_says(&system.refusal(), "not mounted");
    let set = "34 31 0:31 / /cg rw - cgroup cgroup rw,cpuset\n";
    assert_says(&System::new(set, "1:cpuset:/\n").refusal(), "no control groups are mounted");

    let system = System::v2();
    system.file("cg/own/cgroup.controllers", "memory pids\n");
    assert_says(&system.refusal(), "own: a CPU quota for threads is not available: this control");
    assert_says(&system.refusal(), "Delegate=cpu");
}

#[test]
fn a_group_that_cannot_be_reached_is_named() {
    let mount = "32 31 0:29 /docker/a /cg rw - cgroup cgroup rw,cpu\n";
    assert_says(&System::new(mount, "1:cpu:/docker/b\n").refusal(), "not among those");
    let mount = "32 31 0:29 / /cg rw - cgroup2 cgroup2 rw\n";
    assert_says(&System::new(mount, "0::/../other\n").refusal(), "not among those");
    // Mounted, says the table; nothing is there.
    assert_says(&System::v1().refusal(), "own: a CPU quota for threads is not available: this");
    // A file where the group should be.
    let system = System::v1();
    system.file("cg/own", "");
    assert_says(&system.refusal(), "this process's control group is not there");
}

#[test]
fn a_kernel_without_the_files_is_named() {
    let system = System::v1();
    system.file("cg/own/tasks", "");
    assert_says(&system.refusal(), "CONFIG_CFS_BANDWIDTH");

    let system = System::v2();
    assert_says(&system.refusal(), "Linux 4.14");
    // What had been switched on is switched off again: a plain file keeps the last write.
    assert_eq!(system.text("cg/own/cgroup.subtree_control"), "-cpu");
}

#[test]
fn what_was_on_before_stays_on() {
    let system = System::v2();
    system.file("cg/own/cgroup.subtree_control", "cpu memory\n");
    system.refusal();
    assert_eq!(system.text("cg/own/cgroup.subtree_control"), "cpu memory\n");
}

#[test]
fn what_a_dead_process_had_switched_on_is_switched_off() {
    let system = System::v2();
    system.file("cg/own/cgroup.subtree_control", "cpu\n");
    fs::create_dir(system.0.path().join("cg/own/tokio-pulse-999999999-0-cpu")).unwrap();
    system.refusal();
    assert_eq!(system.text("cg/own/cgroup.subtree_control"), "-cpu");

    // Not while somebody else has a group there.
    let system = System::v2();
    let base = system.0.path().join("cg/own");
    let living = Claim::create(&base, true).unwrap().unwrap();
    system.file("cg/own/cgroup.subtree_control", "cpu\n");
    CpuGroup::create_on(system.0.path(), LIMIT).unwrap_err();
    assert_eq!(system.text("cg/own/cgroup.subtree_control"), "cpu\n");
    assert!(living.path().exists());
}

#[test]
fn answers_of_the_system_are_put_into_words() {
    let says = |step, code, what| {
        let error = std::io::Error::from_raw_os_error(code);
        let refusal = refusal::of(step, Path::new("/cg/x"), &error);
        assert_says(&refusal.to_string(), what);
        assert_says(&refusal.to_string(), "/cg/x: ");
    };
    says(Step::Make, libc::EROFS, "mount them writable");
    says(Step::Make, libc::EACCES, "Delegate=cpu");
    says(Step::Make, libc::EAGAIN, "cgroup.max.descendants");
    says(Step::EnableController, libc::EBUSY, "systemd-run");
    says(Step::MakeThreaded, libc::EOPNOTSUPP, "systemd-run");
    says(Step::SetQuota, libc::EINVAL, "ask for less");
    says(Step::MoveThread, libc::EINVAL, "realtime");
    says(Step::MoveThread, libc::EOPNOTSUPP, "cannot exchange threads");
    says(Step::Remove, libc::EBUSY, "the next start removes it");
    says(Step::Remove, libc::EIO, "the system refused");
}

#[test]
fn statistics_are_read_in_the_units_of_each_version() {
    let v1 = "nr_periods 7\nnr_throttled 3\nthrottled_time 5000000\nnr_bursts 0\n";
    let v2 = "usage_usec 9\nnr_periods 7\nnr_throttled 3\nthrottled_usec 5000\n";
    let expected =
        IsolationStats { periods: 7, throttled_periods: 3, throttled: Duration::from_millis(5) };
    assert_eq!(parse_stats(v1, Version::CgroupV1), expected);
    assert_eq!(parse_stats(v2, Version::CgroupV2), expected);
    assert_eq!(parse_stats("", Version::CgroupV2), IsolationStats::default());
}

#[test]
fn ownership_is_a_lock_and_not_a_name() {
    let base = tempfile::tempdir().unwrap();
    let base = base.path();
    let own = Claim::create(base, false).unwrap().unwrap();
    let other = Claim::create(base, true).unwrap().unwrap();
    assert_ne!(own.path(), other.path());
    // Names of processes that cannot be: without a lock they are leftovers, with one they are not.
    let abandoned = base.join("tokio-pulse-999999999-0");
    let of_another_namespace = base.join("tokio-pulse-999999999-1");
    let foreign = base.join("somebody-elses");
    for directory in [&abandoned, &of_another_namespace, &foreign] {
        fs::create_dir(directory).unwrap();
    }
    let owner = leftovers::lock_base(&of_another_namespace).unwrap();

    leftovers::sweep(base, v1::THREADS);
    assert!(!abandoned.exists(), "nobody ever had its lock");
    for kept in [own.path(), other.path(), &of_another_namespace, &foreign] {
        assert!(kept.exists(), "{}", kept.display());
    }
    assert!(leftovers::any_switched_on(base));
    other.dissolve(base, v1::THREADS).unwrap();
    assert!(!leftovers::any_switched_on(base));

    drop(owner);
    own.dissolve(base, v1::THREADS).unwrap();
    sweep_until_empty(base);
}

/// A process that another test is starting has a copy of each lock, until it is another program.
fn sweep_until_empty(base: &Path) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while leftovers::any(base) {
        assert!(std::time::Instant::now() < deadline, "a leftover stays");
        leftovers::sweep(base, v1::THREADS);
    }
}

#[test]
fn groups_are_not_made_inside_of_one_another() {
    let base = |path: &'static str| leftovers::without_own(Path::new(path));
    assert_eq!(base("/cg/own"), Path::new("/cg/own"));
    assert_eq!(base("/cg/own/tokio-pulse-1-0"), Path::new("/cg/own"));
    assert_eq!(base("/cg/tokio-pulse-1-0/tokio-pulse-2-0-cpu"), Path::new("/cg"));
}

/// Sweepers and creators at the same time: nobody's directory goes while it is owned.
#[test]
fn a_sweep_never_takes_what_is_owned() {
    let base = tempfile::tempdir().unwrap();
    let base = base.path();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..300).for_each(|_| leftovers::sweep(base, v1::THREADS)));
            scope.spawn(|| {
                for _ in 0..100 {
                    // All eight tries may be lost to the sweepers.
                    let Ok(Some(claim)) = Claim::create(base, false) else { continue };
                    std::thread::yield_now();
                    assert!(claim.path().exists());
                    claim.dissolve(base, v1::THREADS).unwrap();
                }
            });
        }
    });
    sweep_until_empty(base);
}

/// A place in a real tree of the second version, also where that has no cpu controller.
fn real_v2() -> Option<(Tree, PathBuf)> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let line = table.lines().find(|line| line.contains(" - cgroup2 "))?;
    let system = System::new(line, &fs::read_to_string("/proc/thread-self/cgroup").ok()?);
    let groups = system.text("proc/self/cgroup");
    let own = groups.lines().find(|line| line.starts_with("0::"))?;
    system.file("proc/self/cgroup", own);
    let (mut tree, _) = Tree::find(system.0.path()).ok()?;
    tree.on_the_real_system();
    let base = tree.of_current_thread()?;
    Some((tree, base))
}

#[test]
fn a_thread_goes_through_a_threaded_group_and_comes_back() {
    let Some((tree, base)) = real_v2() else {
        return eprintln!("skipped: no cgroup v2 that this process is in");
    };
    let claim = match Claim::create(&base, false) {
        Ok(claim) => claim.unwrap(),
        Err(error) => return eprintln!("skipped: {}: {error}", base.display()),
    };
    if let Err(error) = v2::make_threaded(claim.path()) {
        claim.dissolve(&base, v2::THREADS).unwrap();
        return eprintln!("skipped: {error}");
    }
    let path = claim.path().to_owned();
    let group = Arc::new(Group {
        tree,
        base: base.clone(),
        path: path.clone(),
        switched_on: false,
        owner: std::process::id(),
        claim: Mutex::new(Some(claim)),
    });
    let group = CpuGroup(group);
    let inside = || group.0.tree.of_current_thread();
    let stay = group.enter().unwrap();
    assert_eq!(inside(), Some(path.clone()));
    stay.leave().unwrap();
    assert_eq!(inside(), Some(base.clone()));

    let _stay = group.enter().unwrap();
    group.close().unwrap();
    assert_eq!(inside(), Some(base));
    assert!(!path.exists());
}

/// The test below runs this test binary with this variable as a user without rights.
const WITHOUT_RIGHTS: &str = "PULSE_TEST_WITHOUT_RIGHTS";

#[test]
fn another_user_is_refused_for_want_of_rights() {
    if std::env::var_os(WITHOUT_RIGHTS).is_some() {
        match CpuGroup::create(LIMIT) {
            Ok(_) => println!("was allowed"),
            Err(error) => println!("was refused: {error}"),
        }
        return;
    }
    if let Err(error) = CpuGroup::create(LIMIT) {
        return eprintln!("skipped, refused to this user already: {error}");
    }
    const NOBODY: u32 = 65_534;
    let child = Command::new("/proc/self/exe")
        .args(["--exact", "--nocapture"])
        .arg("platform::isolation::tests::another_user_is_refused_for_want_of_rights")
        .env(WITHOUT_RIGHTS, "1")
        .stdin(Stdio::null())
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir("/")
        .output();
    let output = match child {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(error) => return eprintln!("skipped, no process as another user: {error}"),
    };
    if !output.contains("running 1 test") {
        // An emulator's, for instance: the name is the emulator's own.
        return eprintln!("skipped, a program does not start itself here: {output}");
    }
    assert_says(&output, "was refused");
    assert_says(&output, "no right to that");
    assert_says(&output, "Delegate=cpu");
}
