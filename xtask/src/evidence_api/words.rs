//! promtool, asked to speak with both sides: what it says has to be the same.

use std::{env, net::SocketAddr, path::Path};

use crate::{evidence_promql::START, judge::promtool};

/// How often promtool said the same of both, of how many times; `None` without a promtool that reaches this machine.
pub(super) fn run(theirs: SocketAddr, ours: SocketAddr) -> anyhow::Result<Option<(usize, usize)>> {
    if env::var_os("PROMTOOL").is_none() {
        return Ok(None);
    }
    let at = format!("--time={}", START / 1000 + 600);
    let span = [format!("--start={}", START / 1000), format!("--end={}", START / 1000 + 600)];
    let [from, to] = [span[0].as_str(), span[1].as_str()];
    let commands: [&[&str]; 10] = [
        &["check", "healthy", "--url=URL"],
        &["check", "ready", "--url=URL"],
        &[
            "query",
            "instant",
            "URL",
            "sort_by_label(llm_requests_total, \"model\", \"tenant\", \"instance\", \"status\")",
            &at,
        ],
        &["query", "instant", "URL", "up{", &at],
        &["query", "instant", "--format=json", "URL", "sort(sum by (model) (llm_requests_total))", &at],
        &["query", "range", "URL", "sum(rate(llm_requests_total[5m]))", "--step=1m", from, to],
        &[
            "query",
            "series",
            "URL",
            "--match=llm_requests_total{tenant=\"acme\",status=\"error\",instance=\"a:8000\"}",
            from,
            to,
        ],
        &["query", "labels", "URL", "job", from, to],
        &["query", "labels", "URL", "nope", from, to],
        &["query", "analyze", "--server=URL", "--type=histogram", "--match=up"],
    ];
    let mut same = 0;
    for command in commands {
        let words = |server: SocketAddr| {
            let url = format!("http://{server}");
            let args: Vec<String> = command.iter().map(|arg| arg.replace("URL", &url)).collect();
            let words = promtool(Path::new("/"), &args)?;
            // The address stands in some errors.
            let text = format!("{}{}", words.out, words.err).replace(&url, "URL");
            let mut lines: Vec<&str> = text.lines().collect();
            if command[1] == "series" {
                // Series come in the store's own order.
                lines.sort_unstable();
            }
            anyhow::Ok(lines.join("\n"))
        };
        let (their, our) = (words(theirs)?, words(ours)?);
        if their == our {
            same += 1;
        } else {
            println!("promtool {}:\n  expected {their}\n  got      {our}", command.join(" "));
        }
    }
    Ok(Some((same, commands.len())))
}
