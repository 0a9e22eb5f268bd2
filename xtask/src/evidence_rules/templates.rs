//! Templates of labels and annotations, as people write them and as the documentation lists them.

/// Of labels: they are part of what an alert is.
pub(super) const LABELS: [(&str, &str); 7] = [
    ("severity", "page"),
    ("model_name", "{{ $labels.model }}"),
    ("where", "{{ $labels.instance | stripPort }}"),
    ("empty", "{{ $labels.nothing }}"),
    ("upper", "{{ with $labels.model }}{{ . | toUpper }}{{ else }}none{{ end }}"),
    ("team", ""),
    ("cluster_of", "{{ $externalLabels.cluster }}"),
];

/// Of annotations; none may depend on the clock or on the order of a map.
pub(super) const ANNOTATIONS: [(&str, &str); 41] = [
    ("value", "{{ $value }}"),
    ("value_dot", "{{ .Value }} {{ .Labels.model }}"),
    (
        "two_digits",
        "{{ $value | printf \"%.2f\" }} {{ printf \"%8.3f|%-8.1f|%e|%g\" $value $value $value $value }}",
    ),
    ("humanized", "{{ $value | humanize }}"),
    ("binary", "{{ $value | humanize1024 }}B"),
    ("duration", "{{ $value | humanizeDuration }}"),
    ("percentage", "{{ $value | humanizePercentage }}"),
    ("timestamp", "{{ 1750003200.5 | humanizeTimestamp }}"),
    ("labels", "{{ $labels }}"),
    ("all_labels", "{{ range $name, $text := $labels }}{{ $name }}={{ $text }};{{ end }}"),
    ("external", "{{ $externalLabels.cluster }} {{ $externalURL }}"),
    ("server", "{{ externalURL }} {{ pathPrefix }}"),
    ("queried", "{{ query \"sum(queue_depth)\" | first | value }}"),
    (
        "listed",
        "{{ range query \"sort_desc(sum by (model) (queue_depth))\" | sortByLabel \"model\" }}{{ .Labels.model }}:{{ .Value }} {{ end }}",
    ),
    (
        "sorted",
        "{{ range query \"queue_depth\" | sortByLabel \"instance\" }}{{ . | label \"instance\" }},{{ end }}",
    ),
    ("maybe", "{{ with query \"missing\" }}{{ . | first | value }}{{ else }}nothing{{ end }}"),
    (
        "string_value",
        "{{ range query \"count_values(\\\"v\\\", up)\" | sortByLabel \"v\" }}{{ .Labels.v }} {{ end }}",
    ),
    ("text", "{{ \"a b\" | title }} {{ toLower \"ÄB\" }} {{ toUpper \"äb\" }}"),
    ("replaced", "{{ reReplaceAll \"(.*):(.*)\" \"$2/$1\" $labels.instance }}"),
    (
        "matches",
        "{{ if match \"^a\" $labels.instance }}first{{ else if match \"^b\" $labels.instance }}second{{ end }}",
    ),
    (
        "compared",
        "{{ if gt $value 40.0 }}high{{ else if and (ge $value 10.0) (le $value 40.0) }}middle{{ else }}low{{ end }}",
    ),
    (
        "logic",
        "{{ or $labels.model \"none\" }} {{ not true }} {{ and 1 0 }} {{ eq $labels.model \"llama\" \"gpt-4o\" }}",
    ),
    ("ports", "{{ stripPort \"host:80\" }} {{ stripPort \"[::1]:80\" }} {{ stripDomain \"a.b.c:80\" }}"),
    ("links", "{{ graphLink \"up == 0\" }} {{ tableLink \"sum(a{b=\\\"c d\\\"})\" }}"),
    ("escaped", "{{ \"<a&b>\" | html }} {{ \"a b/c\" | urlquery }} {{ \"it's\" | js }}"),
    ("safe", "{{ \"<b>\" | safeHtml }} <raw> & \"quotes\""),
    (
        "numbers",
        "{{ len $labels }} {{ index $labels \"model\" }} {{ printf \"%d %s %v %q %t\" 7 \"s\" 1.5 \"q\" true }}",
    ),
    ("trimmed", "  {{- \"x\" -}}  y  {{- /* a comment */ -}}  z"),
    ("nested", "{{ with $labels }}{{ with .model }}{{ . }}{{ end }}{{ end }}"),
    ("assigned", "{{ $a := 1 }}{{ $b := printf \"%v\" $a }}{{ $b }}{{ $a = 2 }}{{ $a }}"),
    ("defined", "{{ define \"part\" }}[{{ . }}]{{ end }}{{ template \"part\" $labels.model }}"),
    ("parsed", "{{ parseDuration \"1h30m\" }} {{ \"2m\" | parseDuration | humanizeDuration }}"),
    ("to_time", "{{ (0.0 | toTime).Year }} {{ (1750003200.0 | toTime).UTC }}"),
    (
        "small",
        "{{ 0.00001234 | humanize }} {{ 1234567.0 | humanize }} {{ 0.0 | humanize }} {{ 1e30 | humanize }}",
    ),
    (
        "durations",
        "{{ 93784.5 | humanizeDuration }} {{ 0.0015 | humanizeDuration }} {{ -61.0 | humanizeDuration }}",
    ),
    (
        "strings_as_numbers",
        "{{ \"12.5\" | humanize }} {{ \"0x10\" | humanize }} {{ \"1e3\" | humanizeDuration }}",
    ),
    ("args", "{{ with args \"a\" 2 }}{{ .arg0 }}-{{ .arg1 }}{{ end }}"),
    ("chained", "{{ $value | humanizePercentage | printf \"about %s\" | toUpper }}"),
    ("broken_at_run", "{{ query \"sum(\" }}"),
    ("wrong_type", "{{ $labels.model | humanize }}"),
    ("unicode", "日本 {{ $labels.model }} é"),
];
