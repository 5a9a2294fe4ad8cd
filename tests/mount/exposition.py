#!/usr/bin/env python3
"""exposition.py URL: gets a page of Prometheus text (format 0.0.4), requires that it is one, strictly, and prints each
sample as `NAME{LABEL=VALUE,…} NUMBER`, labels sorted, a value as JSON. With --published the parser of the published
prometheus_client reads it as well, and must find the same."""
import json
import math
import re
import sys
import urllib.request

LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(' + LABEL + '(?:,' + LABEL + r')*)\})? (\S+)')
NUMBER = re.compile(r'[+-]?(Inf|NaN|[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?)')


def require(condition, what):
    if not condition:
        sys.exit(f'exposition.py: {what}')


def parse(text):
    require(text.endswith('\n'), 'the last line is not ended')
    types, helps, samples, family = {}, set(), {}, None
    for line in text[:-1].split('\n'):
        words = line.split(' ', 3)
        if words[0] == '#':
            require(words[1] in ('HELP', 'TYPE') and len(words) == 4, f'a comment: {line}')
            known = helps if words[1] == 'HELP' else types
            require(words[2] not in known, f'said twice: {line}')
            require(words[1] == 'HELP' or words[3] in ('counter', 'gauge'), f'no type: {line}')
            if words[1] == 'HELP':
                helps.add(words[2])
            else:
                types[words[2]] = words[3]
            family = words[2]
            continue
        match = SAMPLE.fullmatch(line)
        require(match, f'no sample: {line}')
        require(match[1] == family and family in types and family in helps, f'not with its family: {line}')
        require(types[family] != 'counter' or family.endswith('_total'), f'a counter without _total: {line}')
        require(NUMBER.fullmatch(match[match.lastindex]), f'no number: {line}')
        labels = [(name, re.sub(r'\\(.)', lambda escape: '\n' if escape[1] == 'n' else escape[1], value))
                  for name, value in re.findall(LABEL, match[2] or '')]
        require(len(dict(labels)) == len(labels), f'a label twice: {line}')
        key = family, tuple(sorted(labels))
        require(key not in samples, f'a sample twice: {line}')
        samples[key] = float(match[match.lastindex])
    return samples


def published(text):
    from prometheus_client.parser import text_string_to_metric_families
    return {(s.name, tuple(sorted(s.labels.items()))): s.value
            for family in text_string_to_metric_families(text) for s in family.samples}


with urllib.request.urlopen(sys.argv[1], timeout=10) as response:
    require(response.headers['Content-Type'] == 'text/plain; version=0.0.4; charset=utf-8', response.headers['Content-Type'])
    text = response.read().decode()
samples = parse(text)
if '--published' in sys.argv:
    require(samples == published(text), 'the published parser reads something else')
for (name, labels), value in samples.items():
    shown = str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)
    print(f"{name}{{{','.join(f'{label}={json.dumps(text)}' for label, text in labels)}}} {shown}")
