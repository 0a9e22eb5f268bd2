//! What every command shares, and the small commands: help, usage, `init`, `completions`.

use std::fmt::Write;

use insta::assert_snapshot;

use crate::project::Project;

#[test]
fn every_command_explains_itself() {
    let project = Project::new();
    let mut all = String::new();
    let commands = [
        "",
        "up",
        "down",
        "status",
        "logs",
        "render",
        "init",
        "sources",
        "query",
        "fmt",
        "test",
        "exporter",
        "image",
        "image load",
        "completions",
    ];
    for command in commands {
        let words = format!("{command} --help");
        let ran = project.run(&words);
        let _ = writeln!(all, "$ llmobs {}\n{ran}", words.trim_start());
    }
    // clap ends lines between paragraphs with blanks, which no one sees.
    let all: Vec<&str> = all.lines().map(str::trim_end).collect();
    assert_snapshot!("help", all.join("\n"));
}

#[test]
fn usage_mistakes_are_met_with_the_nearest_right_spelling() {
    let project = Project::new();
    let lines = [
        "redner --out x",
        "render",
        "render --out x --chekc",
        "render --out x --check --force",
        "render --out x --format yaml",
        "up --pull allways",
        "exporter --port 70000",
        "exporter --bind localhost",
        "completions tcsh",
        "init extra",
    ];
    let mut all = String::new();
    for line in lines {
        let _ = writeln!(all, "$ llmobs {line}\n{}", project.run(line));
    }
    assert_snapshot!(all, @r"
    $ llmobs redner --out x
    exit 2
    ----- stderr
    error: unrecognized subcommand 'redner'

      tip: a similar subcommand exists: 'render'

    Usage: llmobs [OPTIONS] <COMMAND>

    For more information, try '--help'.

    $ llmobs render
    exit 2
    ----- stderr
    error: the following required arguments were not provided:
      --out <DIR>

    Usage: llmobs render --out <DIR>

    For more information, try '--help'.

    $ llmobs render --out x --chekc
    exit 2
    ----- stderr
    error: unexpected argument '--chekc' found

      tip: a similar argument exists: '--check'

    Usage: llmobs render --out <DIR> --check

    For more information, try '--help'.

    $ llmobs render --out x --check --force
    exit 2
    ----- stderr
    error: the argument '--check' cannot be used with '--force'

    Usage: llmobs render --out <DIR> --check

    For more information, try '--help'.

    $ llmobs render --out x --format yaml
    exit 2
    ----- stderr
    error: invalid value 'yaml' for '--format <FORMAT>'
      [possible values: text, json]

    For more information, try '--help'.

    $ llmobs up --pull allways
    exit 2
    ----- stderr
    error: invalid value 'allways' for '--pull <WHEN>'
      [possible values: never, missing, always]

      tip: a similar value exists: 'always'

    For more information, try '--help'.

    $ llmobs exporter --port 70000
    exit 2
    ----- stderr
    error: invalid value '70000' for '--port <PORT>': 70000 is not in 0..=65535

    For more information, try '--help'.

    $ llmobs exporter --bind localhost
    exit 2
    ----- stderr
    error: invalid value 'localhost' for '--bind <ADDRESS>': invalid IP address syntax

    For more information, try '--help'.

    $ llmobs completions tcsh
    exit 2
    ----- stderr
    error: invalid value 'tcsh' for '<SHELL>'
      [possible values: bash, elvish, fish, powershell, zsh]

      tip: a similar value exists: 'zsh'

    For more information, try '--help'.

    $ llmobs init extra
    exit 2
    ----- stderr
    error: unexpected argument 'extra' found

    Usage: llmobs init [OPTIONS]

    For more information, try '--help'.
    ");
}

#[test]
fn no_command_at_all_is_met_with_the_short_help() {
    let (ran, help) = (Project::new().run(""), Project::new().run("-h").done());
    assert_eq!((ran.code, ran.stderr), (Some(2), help.stdout));
}

#[test]
fn the_version_is_told() {
    assert_snapshot!(Project::new().run("--version"), @r"
    exit 0
    ----- stdout
    llmobs [version]
    ");
}

#[test]
fn init_writes_once_and_says_what_comes_next() {
    let project = Project::new();
    assert_snapshot!(project.run("init"), @r"
    exit 0
    ----- stderr
    wrote llmobs.yaml

    Next:  llmobs up
    ");
    project.write("llmobs.yaml", "service: mine\n");
    assert_snapshot!(project.run("init"), @r"
    exit 2
    ----- stderr
    error: `llmobs.yaml` is there already
    hint: edit it, or replace it with `llmobs init --force`
    ");
    assert_eq!(project.read("llmobs.yaml"), "service: mine\n");
    assert_snapshot!(project.run("init --force"), @r"
    exit 0
    ----- stderr
    wrote llmobs.yaml

    Next:  llmobs up
    ");
    assert_ne!(project.read("llmobs.yaml"), "service: mine\n");
    assert_snapshot!(project.run("init --config other.yaml"), @r"
    exit 0
    ----- stderr
    wrote other.yaml

    Next:  llmobs up
    ");
    assert_snapshot!(project.run("init --config other.yaml"), @r"
    exit 2
    ----- stderr
    error: `other.yaml` is there already
    hint: edit it, or replace it with `llmobs init --force` --config other.yaml
    ");
    assert_snapshot!(project.run("init --config none/llmobs.yaml"), @r"
    exit 2
    ----- stderr
    error: cannot write `none/llmobs.yaml`: it does not exist
    ");
    assert_eq!(project.read("other.yaml"), project.read("llmobs.yaml"));
}

#[test]
fn what_init_writes_says_the_same_as_no_file() {
    let project = Project::new();
    let without = project.run("render --out out").done();
    let tree = project.tree("out");
    project.run("init").done();
    let with = project.run("render --out out2").done();
    assert_eq!(project.tree("out2"), tree);
    assert_eq!(with.stderr.replace("out2", "out"), without.stderr);
}

#[test]
fn completions_are_there_for_every_shell() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = project.run(&format!("completions {shell}")).done();
        assert!(ran.stdout.contains("llmobs") && ran.stdout.contains("cost-ceiling"), "{shell}");
        assert_eq!(ran.stderr, "", "{shell}");
    }
}
