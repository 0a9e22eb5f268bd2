//! `kill -9` of `up` at some moments; `cargo xtask evidence kills` does the same at many.

use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use super::project::{Project, engine_lock};

/// Starts `up` and kills it after some time.
fn kill_after(project: &Project, moment: Duration) {
    let _one_at_a_time = engine_lock();
    let offset = project.offset.to_string();
    let args = ["up", "--engine", "docker", "--project", &project.name, "--port-offset", &offset];
    let begun = Instant::now();
    let mut up = project.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while begun.elapsed() < moment && up.try_wait().unwrap().is_none() {
        thread::yield_now();
    }
    up.kill().unwrap();
    up.wait().unwrap();
}

#[test]
fn a_killed_up_is_mended_by_the_next() {
    let Some(project) = Project::new("kill") else { return };
    // Another moment on each run; it is printed, so that a failure can be had again.
    let seed = std::process::id();
    for part in [seed % 15, 15 + seed % 15] {
        let moment = Duration::from_millis(u64::from(part) * 120);
        kill_after(&project, moment);
        println!("after {} ms there was {:?}", moment.as_millis(), project.objects());
        project.up(&[]).done();
        assert_eq!(project.up(&["--dry-run"]).done().stdout, "nothing to do\n");
        project.run(&["status"]).done();
        project.down_to_nothing();
    }
}
