//! Expressions that have to fail, or nearly.

use super::{Generator, Gives, Node};

/// Refused by the parser, or by the types.
const REFUSED: [&str; 70] = [
    "",
    "1 +",
    "sum(",
    "sum)",
    "rate(llm_requests_total)",
    "rate(llm_requests_total[5m])[5m]",
    "llm_requests_total[5m] + 1",
    "llm_requests_total[0s]",
    "llm_requests_total[-5m]",
    "llm_requests_total[5m:0s]",
    "llm_requests_total[5y5]",
    "llm_requests_total offset",
    "llm_requests_total offset 5m offset 5m",
    "llm_requests_total @ 1 @ 2",
    "llm_requests_total @ NaN",
    "llm_requests_total @ Inf",
    "llm_requests_total @ middle()",
    "{}",
    "{x=\"\"}",
    "{x=~\".*\"}",
    "{x!=\"a\"}",
    "llm_requests_total{model=~\"(\"}",
    "llm_requests_total{model=~\"[z-a]\"}",
    "llm_requests_total{model=~\"a{2000}\"}",
    "llm_requests_total{model=\"a\"",
    "llm_requests_total{model='a\"}",
    "llm_requests_total{model=a}",
    "llm_requests_total{__name__=\"b\"}",
    "llm_requests_total{model<\"a\"}",
    "llm requests",
    "1 and 2",
    "1 or tie",
    "tie unless 1",
    "1 == 2",
    "1 > 2",
    "tie and bool tie",
    "tie + bool tie",
    "tie and on (g) group_left one",
    "tie + on (g) group_left (g) one",
    "tie + group_left one",
    "1 + on (g) 2",
    "tie + on (g) 1",
    "sum by (tie",
    "sum by tie (tie)",
    "sum(tie, tie)",
    "topk(tie)",
    "topk(\"a\", tie)",
    "count_values(1, tie)",
    "quantile(tie, tie)",
    "nonsense(tie)",
    "abs(1)",
    "abs()",
    "abs(tie, tie)",
    "round(tie, 1, 2)",
    "vector(tie)",
    "scalar(1)",
    "label_replace(tie, \"a\", \"b\", \"c\")",
    "label_replace(tie, a, \"b\", \"c\", \"d\")",
    "histogram_quantile(\"a\", tie)",
    "-\"a\"",
    "\"a\" + 1",
    "\"unterminated",
    "'\\q'",
    "1 +* 2",
    "tie{g=\"a\"}{n=\"1\"}",
    "min_over_time(tie[5m] anchored smoothed)",
    "(tie)[5m]",
    "tie[5m:1m] anchored",
    "0x",
    "tie fill(0) tie",
];

/// Taken by the parser, and failing when evaluated, or at some steps, or not quite.
const EXECUTED: [&str; 38] = [
    "many * one",
    "many * on (g) one",
    "one * on (g) many",
    "twice * on (g) twice",
    "many * on (g) group_left twice",
    "many / on () one",
    "many + on (only) many",
    "twice + on (g) group_left (team) many",
    "label_replace(tie, \"n\", \"same\", \"\", \"\")",
    "label_replace(tie, \"g\", \"x\", \"g\", \"(.*)\")",
    "label_replace(tie, \"new\", \"x\", \"g\", \"(\")",
    "label_replace(tie, \"\", \"x\", \"g\", \"(.*)\")",
    "label_replace(tie, \"\\xff\", \"x\", \"g\", \"(.*)\")",
    "label_join(tie, \"n\", \"-\", \"g\")",
    "label_join(tie, \"\", \"-\", \"g\")",
    "label_join(tie, \"new\", \"-\", \"\\xff\")",
    "rate({__name__=~\"llm_tokens_total|llm_retries_total\"}[5m])",
    "-{__name__=~\"llm_tokens_total|llm_retries_total\"}",
    "{__name__=~\"llm_tokens_total|llm_retries_total\"} * 2",
    "abs({__name__=~\"llm_tokens_total|llm_retries_total\"})",
    "{__name__=~\"llm_tokens_total|llm_retries_total\"} == bool 3",
    "timestamp({__name__=~\"llm_tokens_total|llm_retries_total\"})",
    "double_exponential_smoothing(tie[10m], 2, 0.5)",
    "double_exponential_smoothing(tie[10m], 0.5, -1)",
    "double_exponential_smoothing(tie[10m], 0, 0.5)",
    "topk(NaN, tie)",
    "limitk(1e300, tie)",
    "topk(scalar(missing), tie)",
    "limit_ratio(NaN, tie)",
    "count_values(\"\\xff\", tie)",
    "count_values(\"\", tie)",
    "min_over_time(tie[5m] anchored)",
    "deriv(tie[5m] smoothed)",
    "tie </ 2",
    "tie >/ one",
    "max_over_time(tie[step()])",
    "sum_over_time(tie[range()])",
    "tie offset range()",
];

impl Generator {
    pub(super) fn failure(&mut self) -> Node {
        if self.random.chance(0.2) {
            return self.broken();
        }
        self.tag("deliberate failure");
        let text =
            if self.random.chance(0.5) { *self.random.pick(&REFUSED) } else { *self.random.pick(&EXECUTED) };
        for operator in super::operators::OF_HISTOGRAMS {
            if text.contains(operator) {
                self.tag(operator);
            }
        }
        Node::vector().text(text)
    }

    /// A good expression with a piece taken out, doubled or replaced.
    fn broken(&mut self) -> Node {
        let good = self.vector(2).print();
        let characters: Vec<char> = good.chars().collect();
        let at = self.random.below(characters.len());
        let length = (1 + self.random.below(3)).min(characters.len() - at);
        let text = |characters: &[char]| characters.iter().collect::<String>();
        let (before, piece, after) =
            (text(&characters[..at]), text(&characters[at..at + length]), text(&characters[at + length..]));
        let middle = match self.random.below(3) {
            0 => String::new(),
            1 => piece.repeat(2),
            _ => (*self.random.pick(&["(", ")", "]", "{", ",", "by", "@", "\"", " 1 ", "=~", "#", "$", "é"]))
                .to_owned(),
        };
        self.tags.clear();
        self.tag("broken text");
        Node::new(Gives::Vector).text(format!("{before}{middle}{after}"))
    }
}
