"""The table of a run, and its graph of cost against size."""

import math

COLUMNS = [  # key, heading, format
    ("seconds", "s", "{:.1f}"), ("cpu", "CPU s", "{:.2f}"), ("system", "in kernel", "{:.2f}"), ("rss", "MiB", "{:.0f}"),
    ("threads", "threads", "{:.0f}"), ("git", "git calls", "{:.0f}"), ("reads", "reads", "{:.0f}"),
    ("dryruns", "dry runs", "{:.0f}"), ("writes", "writes", "{:.0f}")]
WORDS = {
    "loop": "plain loop {:.2f} s", "loop_cpu": "its CPU {:.2f} s", "kubectl": "kubectl {:.1f} s", "kubectl_cpu": "its CPU {:.1f} s",
    "of_limit": "{:.2f} of the limit", "times_kubectl": "{:.1f} times as fast as kubectl", "path_ms": "{:.1f} CPU ms a poll (path)",
    "http_ms": "{:.1f} CPU ms a poll (http)", "path_rss": "{:.0f} MiB (path)", "http_rss": "{:.0f} MiB (http)",
    "sync_seconds": "sync {:.2f} s", "sync_cpu": "sync {:.2f} CPU s", "sync_git": "sync {:.0f} git calls",
    "sync_reads": "sync {:.0f} reads", "live": "live after {:.2f} s", "succeeded": "recorded after {:.2f} s",
    "daemon_cpu": "daemon {:.2f} CPU s", "get": "{:.0f} gets", "list": "{:.0f} lists"}


def table(rows):
    lines = ["| work | size | " + " | ".join(heading for _, heading, _ in COLUMNS) + " | beside |",
             "|---|---|" + "---|" * (len(COLUMNS) + 1)]
    for row in rows:
        values = row["values"]
        cells = [form.format(values[key]) if key in values else "" for key, _, form in COLUMNS]
        beside = "; ".join(words.format(values[key]) for key, words in WORDS.items() if key in values)
        lines.append(f"| {row['work']} | {row['size']:,} | " + " | ".join(cells) + f" | {beside} |")
    return "\n".join(lines)


WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 300, 60, 40, 30
COLOURS = {"units": "#2458a6", "maps": "#b0541c"}
LABELS = {"units": "units of Deployment and Service", "maps": "ConfigMaps of one unit"}


class Graph:
    """CPU seconds against size, both logarithmic, with a straight line of constant cost an item through the first point."""

    def __init__(self, rows):
        self.series = {work: sorted((row["size"], max(row["values"]["cpu"], 0.01)) for row in rows if row["work"] == work)
                       for work in COLOURS}
        points = [point for series in self.series.values() for point in series]
        self.x = self._range([x for x, _ in points])
        self.y = self._range([y for _, y in points])

    @staticmethod
    def _range(values):
        return math.floor(math.log10(min(values))), max(math.ceil(math.log10(max(values))), math.floor(math.log10(min(values))) + 1)

    def at(self, x, y):
        def place(value, low_high, start, end):
            return start + (math.log10(value) - low_high[0]) / (low_high[1] - low_high[0]) * (end - start)
        return place(x, self.x, LEFT, WIDTH - 20), place(y, self.y, HEIGHT - BOTTOM, TOP)

    def _grid(self):
        for power in range(self.x[0], self.x[1] + 1):
            x, _ = self.at(10**power, 10**self.y[0])
            yield f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>'
            yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{10**power:,}</text>'
        for power in range(self.y[0], self.y[1] + 1):
            _, y = self.at(10**self.x[0], 10**power)
            yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - 20}" stroke="#ddd"/>'
            yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{10**power:g} s</text>'

    def _line(self, work, place):
        points = self.series[work]
        if not points:
            return
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*point) for point in points))
        yield f'<polyline points="{path}" fill="none" stroke="{COLOURS[work]}" stroke-width="2"/>'
        for point in points:
            x, y = self.at(*point)
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[work]}"><title>{point[0]:,}: {point[1]:.2f} CPU s</title></circle>'
        yield f'<text x="{LEFT + 10}" y="{TOP + 14 + 16 * place}" fill="{COLOURS[work]}">{LABELS[work]}</text>'

    def svg(self):
        parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
                 f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
                 f'<text x="{LEFT}" y="18">CPU seconds of a cold rollout against size</text>', *self._grid()]
        for place, work in enumerate(COLOURS):
            parts.extend(self._line(work, place))
        return "\n".join([*parts, "</svg>"]) + "\n"
