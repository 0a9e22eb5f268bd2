//! Ctrl-C in the middle of `up`.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
};

use super::project::{Project, engine_lock};

#[test]
fn an_interrupted_up_says_what_remains_and_is_mended() {
    let Some(project) = Project::new("int") else { return };
    {
        let _one_at_a_time = engine_lock();
        let offset = project.offset.to_string();
        let args = ["up", "--engine", "docker", "--project", &project.name, "--port-offset", &offset];
        let mut up = project.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(up.stderr.take().unwrap());
        // The network is there, the containers are not.
        let mut said = String::new();
        while !said.contains("create network") {
            assert!(lines.read_line(&mut said).unwrap() > 0, "it ended by itself: {said}");
        }
        let kill = Command::new("kill").args(["-INT", &up.id().to_string()]).status().unwrap();
        assert!(kill.success());
        lines.read_to_string(&mut said).unwrap();
        assert_eq!(up.wait().unwrap().code(), Some(130), "{said}");
        assert!(said.contains("\nerror: interrupted\nhint: not done:\n"), "{said}");
        let last = format!("start container {}", project.container("prometheus"));
        assert!(said.contains(&last), "it is not told that `{last}` remains: {said}");
    }
    project.up(&[]).done();
    assert_eq!(project.up(&["--dry-run"]).done().stdout, "nothing to do\n");
    project.run(&["status"]).done();
    project.down_to_nothing();
}
