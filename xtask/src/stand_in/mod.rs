//! stub
use std::process::ExitCode;
pub(crate) const GRAFANA_IMAGE: &str = "grafana/grafana:13.2.3";
pub(crate) const ENTRY_POINT: &str = "run.sh";
pub(crate) enum Existing {
    Replace,
    KeepUnlessOurs,
}
pub(crate) fn load_image(_: &str, _: Existing) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
pub(crate) fn serve() -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
