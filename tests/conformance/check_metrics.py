"""BLEU and chrF against sacrebleu; ROUGE-L against rouge-score; HR, NDCG and MRR from attune's TREC files against ranx; its run log against TensorBoard."""
import json
import logging
import pathlib
import random

import numpy

DOCUMENTS = pathlib.Path(__file__).resolve().parents[2]
# Letters, digits, every sign that 13a knows, entities, white space that Python splits by, and other scripts.
PIECES = ("the", "a", "Film", "it's", "3.14", "1,000", "5-4", "e.g.", "&quot;", "&amp;lt;", "<skipped>", "-\n", "\n", "\t",
          "\u00a0", "\u2028", "\u3000", "ß", "Ünder", "東京", "🎬", "!", "?", "...", "(", ")", "'", "\"", "$5", "#1", "%", "/",
          "~", "`", "^", "_", "|", "é", ".5", "5.", ",,", "-", "--", "10-year", "\x1f", "@", "[x]")
LIMIT = 1e-9


def real_lines():
    """Sentences of the documentation, which has numbers, signs and code."""
    text = (DOCUMENTS / "README.md").read_text() + (DOCUMENTS / "docs/metrics.md").read_text()
    return [line for line in text.splitlines() if len(line.split()) > 4]


def damaged(line, source):
    words = line.split()
    for _ in range(source.randrange(1, 4)):
        words[source.randrange(len(words))] = source.choice(PIECES)
    return " ".join(words[:source.randrange(1, len(words) + 1)])


def corpora(source):
    lines = real_lines()
    sentence = lambda: "".join(source.choice(PIECES) + source.choice(("", " ", " ")) for _ in range(source.randrange(14)))
    for number in range(3000):
        count, references = source.randrange(1, 9), source.randrange(1, 4)
        smooth = source.choice(("none", "floor", "add-k", "exp"))
        if number % 3 == 0:
            hypotheses = [damaged(source.choice(lines), source) for _ in range(count)]
            lists = [[damaged(source.choice(lines), source) for _ in range(references)] for _ in range(count)]
            for row, hypothesis in zip(lists, hypotheses):
                row[0] = damaged(hypothesis, source) if hypothesis.split() else row[0]
        else:
            hypotheses = [sentence() for _ in range(count)]
            lists = [[sentence() for _ in range(references)] for _ in range(count)]
        yield {"hypotheses": hypotheses, "references": lists, "order": source.choice((1, 2, 4, 4, 6)),
               "tokenize": source.choice(("13a", "none")), "smooth": smooth,
               "value": source.choice((None, .5)) if smooth in ("floor", "add-k") else None,
               "lowercase": source.random() < .3, "effective": count == 1 and source.random() < .5}


def check_bleu(report, probe):
    import sacrebleu
    logging.getLogger("sacrebleu").setLevel(logging.ERROR)
    cases = list(corpora(random.Random(1)))
    # lower() of theirs changes letters beyond ASCII too, where attune says "ASCII"; the two agree on ASCII.
    for case in cases:
        if case["lowercase"]:
            ascii_only = lambda text: text.encode("ascii", "ignore").decode()
            case["hypotheses"] = [ascii_only(text) for text in case["hypotheses"]]
            case["references"] = [[ascii_only(text) for text in row] for row in case["references"]]
    ours = json.loads(probe("metrics_probe", "bleu", input=json.dumps(cases).encode()))
    difference = 0
    for case, own in zip(cases, ours, strict=True):
        bleu = sacrebleu.BLEU(lowercase=case["lowercase"], force=True, tokenize=case["tokenize"],
                              smooth_method=case["smooth"], smooth_value=case["value"],
                              max_ngram_order=case["order"], effective_order=case["effective"])
        streams = [list(stream) for stream in zip(*case["references"])]
        score = bleu.corpus_score(case["hypotheses"], streams)
        pairs = [(score.score, own["score"]), (score.bp, own["brevity_penalty"]),
                 (score.sys_len, own["hypothesis_length"]), (score.ref_len, own["reference_length"]),
                 *zip(score.precisions, own["precisions"], strict=True)]
        difference = max([difference] + [abs(theirs - mine) for theirs, mine in pairs])
    report.add("BLEU, its precisions and lengths = sacrebleu", len(cases), difference, LIMIT)


def check_overlap(report, probe):
    """chrF2 and ROUGE-L of the same texts, with one reference each."""
    import sacrebleu
    from rouge_score import rouge_scorer
    cases = [{"hypotheses": case["hypotheses"], "references": [row[0] for row in case["references"]]}
             for case in corpora(random.Random(3))]
    ours = json.loads(probe("metrics_probe", "text", input=json.dumps(cases).encode()))
    chrf, scorer = sacrebleu.CHRF(), rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    chrf_difference = rouge_difference = 0
    for case, own in zip(cases, ours, strict=True):
        score = chrf.corpus_score(case["hypotheses"], [case["references"]]).score
        chrf_difference = max(chrf_difference, abs(score - own["chrf"]))
        mean = numpy.mean([scorer.score(reference, hypothesis)["rougeL"].fmeasure
                           for hypothesis, reference in zip(case["hypotheses"], case["references"])])
        rouge_difference = max(rouge_difference, abs(mean - own["rouge_l"]))
    report.add("chrF2 of corpora = sacrebleu", len(cases), chrf_difference, LIMIT)
    report.add("ROUGE-L, mean F1 = rouge-score", len(cases), rouge_difference, LIMIT)


def read_trec(path, value):
    table = {}
    for line in path.read_text().splitlines():
        fields = line.split()
        table.setdefault(fields[0], {})[fields[2]] = float(fields[value])
    return table


def relevant_of(qrels):
    return {query: {item: 1 for item, value in items.items() if value > 0} for query, items in qrels.items()}


def by_pair(qrels, run, without_other_items=False):
    """Each relevant item as a query of its own, over the same list, as often as the qrels say; or without the other relevant items in it."""
    pairs, lists = {}, {}
    for query, items in qrels.items():
        for item, count in items.items():
            for copy in range(int(count)):  # 0: a negative
                name = f"{query}#{item}#{copy}"
                pairs[name] = {item: 1}
                lists[name] = {other: score for other, score in run[query].items()
                               if other == item or not (without_other_items and items.get(other, 0) > 0)}
    return pairs, lists


def largest_difference(relevant, ranked, mine):
    """Of ranx and our own figures, and how many there are."""
    import ranx
    names = {"hr": "hit_rate", "ndcg": "ndcg", "mrr": "mrr"}
    wanted = {name: f"{names[name.split('@')[0]]}@{name.split('@')[1]}" for name in mine if "@" in name}
    theirs = ranx.evaluate(ranx.Qrels(relevant), ranx.Run(ranked), sorted(set(wanted.values())))
    differences = [abs(float(theirs[their_name]) - mine[name]) for name, their_name in wanted.items()]
    return max(differences + [abs(len(relevant) - mine["n"])]), len(differences)


def check_ranking(report, probe, folder):
    whole, sampled = [], []
    for seed in (1, 2, 3):
        place = folder / f"trec-{seed}"
        scores = json.loads(probe("metrics_probe", "trec", place, seed))["scores"]
        for protocol in ("v1", "v2", "v3", "ln", "v1-kbrd", "v2-kbrd", "v1-unicrs", "v2-unicrs"):
            qrels = read_trec(place / protocol / "qrels.trec", 3)
            run = read_trec(place / protocol / "some model.trec", 4)
            whole.append(largest_difference(*by_pair(qrels, run), scores[protocol]))
            whole.append(largest_difference(relevant_of(qrels), run, scores[protocol]["messages"]))
        for kind in ("v4-uniform", "v4-popular"):
            qrels = read_trec(place / kind / "qrels.trec", 3)
            run = read_trec(place / kind / "some model.trec", 4)
            for size in (19, 49, 99):
                drawn = {query: {item for item, value in items.items() if value > 0} |
                                set([item for item, value in items.items() if value == 0][:size])
                         for query, items in qrels.items()}
                among = {query: {item: score for item, score in items.items() if item in drawn[query]}
                         for query, items in run.items()}
                mine = scores[f"{kind}-{size}"]
                sampled.append(largest_difference(*by_pair(qrels, among, without_other_items=True), mine))
                sampled.append(largest_difference(relevant_of(qrels), among, mine["messages"]))
    for what, found in (("HR, NDCG, MRR of our TREC files = ranx", whole),
                        ("the same among sampled items = ranx", sampled)):
        report.add(what, sum(cases for _, cases in found), max(difference for difference, _ in found), LIMIT)


def check_events(report, probe, folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    source = random.Random(2)
    names = ["loss", "objective/kl", "policy/clipfrac_avg", "größe", "x" * 300]
    special = (0., -0., 1e-45, 3.4e38, 1 / 3, -1e-30, 16777217.)
    steps = [{"step": 3 * i + 1, **{name: source.choice(special) if source.random() < .2 else source.gauss(0, 10 ** source.randrange(-9, 9))
                                    for name in names if source.random() < .9}} for i in range(500)]
    probe("metrics_probe", "events", folder / "log", input=json.dumps(steps).encode())
    accumulator = EventAccumulator(str(folder / "log"), size_guidance={"scalars": 0}).Reload()
    cases, different = 0, 0
    if set(accumulator.Tags()["scalars"]) != set(names):
        different += 1
    for name in names:
        wanted = [(step["step"], numpy.float32(step[name]).tobytes()) for step in steps if name in step]
        found = [(event.step, numpy.float32(event.value).tobytes()) for event in accumulator.Scalars(name)]
        cases += len(wanted)
        different += sum(a != b for a, b in zip(wanted, found)) + abs(len(wanted) - len(found))
    report.add("run log read by TensorBoard, values that differ", cases, different, 0)


def check(report, probe, folder):
    check_bleu(report, probe)
    check_overlap(report, probe)
    check_ranking(report, probe, folder)
    check_events(report, probe, folder)
