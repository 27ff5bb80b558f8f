/* Draws every [data-chart] with ECharts in the colours of the page. Tooltips are drawn on the canvas, because
   the page's policy allows no inline style in markup. */
"use strict";
(() => {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const text = () => ({ color: colour("ink-2"), fontSize: 11, fontFamily: style.getPropertyValue("--font") });
  const line = () => ({ lineStyle: { color: colour("line-inner") } });
  const tooltip = () => ({
    renderMode: "richText", confine: true, backgroundColor: colour("panel"), borderColor: colour("line"),
    textStyle: { color: colour("ink"), fontSize: 12 },
  });

  const band = (model) => {
    if (!model.band) return undefined;
    const [low, high] = model.band;
    const edge = (value) => (value === null ? {} : { yAxis: value });
    return { silent: true, itemStyle: { color: colour("band") }, data: [[edge(low), edge(high)]] };
  };

  const DAY = 86400000;
  const legend = (model) => model.legend && model.series.length > 1;
  const span = (model) => new Date(model.until || model.x.at(-1)) - new Date(model.from_ || model.x[0]);
  const interval = (model) => Math.max(DAY, span(model) / 6);
  /* One way of writing a day on an axis: month and day, or year and month where the axis is longer than a year. */
  const dayLabel = (model) => (value) => {
    const at = new Date(value), two = (n) => String(n).padStart(2, "0");
    return span(model) > 300 * DAY ? `${String(at.getFullYear()).slice(2)}-${two(at.getMonth() + 1)}` : `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  };

  /* The lowest value on the axis: where marks stand. Lines begin near their values, bars at zero. */
  const floor = (model) => {
    const values = [...model.series.flatMap((s) => s.values), model.band?.[0]].filter((v) => v !== null && v !== undefined);
    return model.series.every((s) => s.kind === "line") ? Math.floor((Math.min(...values) - 5) / 10) * 10 : 0;
  };

  const time = (model) => ({
    aria: { enabled: true }, animation: false,
    grid: { left: 4, right: 14, top: legend(model) ? 30 : 12, bottom: 4, containLabel: true },
    legend: { show: legend(model), top: 0, left: 0, itemWidth: 14, itemHeight: 8, textStyle: text() },
    tooltip: { ...tooltip(), trigger: "axis" },
    xAxis: {
      type: "time", min: model.from_ || undefined, max: model.until || undefined, minInterval: interval(model), splitNumber: 4,
      axisLabel: { ...text(), hideOverlap: true, showMinLabel: false, showMaxLabel: false, formatter: dayLabel(model) },
      axisLine: line(), axisTick: { show: false },
    },
    yAxis: { type: "value", minInterval: model.series.some((s) => s.kind === "bar") ? 1 : undefined, scale: model.series.every((s) => s.kind === "line"), min: model.marks.length ? floor(model) : undefined, axisLabel: text(), splitLine: line() },
    series: model.series.map((s, i) => ({
      name: s.name, type: s.kind, data: s.values.map((v, k) => ({
        value: [model.x[k], v],
        itemStyle: s.hollow.includes(k) ? { color: colour("panel"), borderColor: colour(s.colour), borderWidth: 1.5 } : undefined,
      })),
      showSymbol: s.symbols, symbol: "circle", symbolSize: 7, connectNulls: true, barMaxWidth: 14,
      lineStyle: { width: 2, color: colour(s.colour) }, itemStyle: { color: colour(s.colour) },
      markArea: i === 0 ? band(model) : undefined,
      markPoint: i === 0 && model.marks.length ? {
        symbol: "triangle", symbolSize: [11, 9], silent: true, itemStyle: { color: colour("grade-4") }, label: { show: false },
        data: model.marks.map((m) => ({ name: m.label, xAxis: m.x, yAxis: floor(model) })),
      } : undefined,
    })),
  });

  const pyramid = (model) => ({
    aria: { enabled: true }, animation: false,
    grid: { left: 4, right: 12, top: 6, bottom: 4, containLabel: true },
    tooltip: { ...tooltip(), trigger: "axis", axisPointer: { type: "shadow" }, valueFormatter: (v) => `${Math.abs(v)} ${model.unit}` },
    xAxis: { type: "value", axisLabel: { ...text(), formatter: (v) => `${Math.abs(v)}${model.unit}` }, splitLine: line() },
    yAxis: { type: "category", data: model.ages, axisTick: { show: false }, axisLine: { show: false }, axisLabel: { ...text(), interval: 2 } },
    series: [[model.male_name, model.male, "male", -1], [model.female_name, model.female, "female", 1]].map(
      ([name, values, tone, sign]) => ({ name, type: "bar", stack: "all", barCategoryGap: "12%",
        itemStyle: { color: colour(tone) }, data: values.map((v) => v * sign) })),
  });

  const kinds = { time, pyramid };
  const observer = new ResizeObserver((entries) => entries.forEach((e) => echarts.getInstanceByDom(e.target)?.resize()));

  const draw = (root) => {
    root.querySelectorAll("[data-chart]").forEach((element) => {
      if (echarts.getInstanceByDom(element)) return;
      const model = JSON.parse(element.dataset.chart);
      element.hidden = false;
      const chart = echarts.init(element, null, { renderer: "canvas" });
      chart.setOption(kinds[model.kind](model));
      chart.on("click", (event) => {
        const found = model.hrefs?.[event.dataIndex];
        const href = Array.isArray(found) ? found[event.seriesIndex] : found;
        if (href) location.assign(href);
      });
      observer.observe(element);
    });
  };
  const dispose = (root) => root.querySelectorAll("[data-chart]").forEach((element) => {
    observer.unobserve(element);
    echarts.getInstanceByDom(element)?.dispose();
  });

  draw(document);
  document.addEventListener("htmx:before:swap", (event) => { if (event.target instanceof Element) dispose(event.target); });
  document.addEventListener("htmx:after:swap", (event) => { if (event.target instanceof Element) draw(event.target); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { dispose(document); draw(document); });
})();
