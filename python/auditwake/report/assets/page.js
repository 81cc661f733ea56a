// Draws the charts out of the data that stands in the page. Nothing is loaded, and no text becomes markup or code.
(() => {
  "use strict";
  const root = document.documentElement;
  const NARROW = 600;
  const LONGEST = 220;
  const FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif";

  // Colours are the style sheet's variables, so that light, dark and print need no new drawing.
  const config = (width) => ({
    background: null,
    font: FONT,
    view: { stroke: null },
    axis: {
      labelColor: "var(--ink)", titleColor: "var(--dim)", gridColor: "var(--line)", gridOpacity: 0.5,
      domainColor: "var(--line)", tickColor: "var(--line)", labelFontSize: 11, titleFontSize: 11,
      titleFontWeight: "normal", labelOverlap: "greedy", labelSeparation: 6,
    },
    axisX: { labelLimit: width < NARROW ? 150 : 280 },
    axisY: { labelLimit: width < NARROW ? 130 : 420 },
    axisXTemporal: { tickCount: { expr: "ceil(width / 110)" } },
    axisXQuantitative: { tickCount: { expr: "ceil(width / 90)" } },
    legend: {
      orient: "top", labelColor: "var(--ink)", labelFontSize: 11, labelLimit: LONGEST, columnPadding: 12, offset: 6,
      symbolStrokeWidth: 0,
    },
    text: { fill: "var(--ink)", fontSize: 11 },
  });

  // How many names of a legend stand side by side.
  const pen = document.createElement("canvas").getContext("2d");
  function columnsOf(names, width) {
    pen.font = `11px ${FONT}`;
    const widest = Math.max(0, ...names.map((name) => pen.measureText(String(name)).width));
    return Math.max(1, Math.floor((width - 60) / (Math.min(widest, LONGEST) + 28)));
  }

  // What Vega-Lite does not let a specification leave to the data and the width.
  function finish(compiled, chart, width) {
    const scale = (name) => compiled.scales.find((one) => one.name === name);
    if (chart.span) scale("x").domain = chart.span;
    if (chart.categories) scale("color").domain = chart.categories;
    for (const legend of compiled.legends ?? []) {
      const { domain } = scale("color");
      legend.columns = columnsOf(Array.isArray(domain) ? domain : chart.rows.map((row) => row[domain.field]), width);
    }
    compiled.autosize = { type: "fit-x", contains: "padding" };
    return compiled;
  }

  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);

  function showTip(_, event, __, value) {
    tip.hidden = value === null || value === undefined || value === "";
    if (tip.hidden) return;
    const pairs = typeof value === "object" ? Object.entries(value).map(([name, said]) => `${name}: ${said}`) : [value];
    tip.textContent = pairs.join("\n");
    const { offsetWidth: width, offsetHeight: height } = tip;
    const left = Math.min(event.clientX + 14, root.clientWidth - width - 8);
    const below = event.clientY + 16;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${below + height > window.innerHeight ? event.clientY - height - 12 : below}px`;
  }

  const refuse = () => Promise.reject(new Error("this page loads nothing"));
  const charts = Array.from(document.querySelectorAll("script[data-chart]"), (script) => ({
    place: document.getElementById(`chart-${script.dataset.chart}`),
    ...JSON.parse(script.textContent),
  }));

  async function draw(chart) {
    const width = Math.floor(chart.place.clientWidth);
    if (!width || width === chart.width) return;
    chart.width = width;
    chart.view?.finalize();
    const spec = {
      ...chart.spec, width, padding: 4, description: chart.title,
      data: { name: "rows", values: chart.rows }, config: config(width),
    };
    const compiled = finish(vegaLite.compile(spec).spec, chart, width);
    const parsed = vega.parse(compiled, null, { ast: true });
    chart.view = new vega.View(parsed, {
      expr: vega.expressionInterpreter, loader: { load: refuse, sanitize: refuse },
      renderer: "svg", tooltip: showTip, container: chart.place, hover: true, logLevel: vega.Warn,
    });
    await chart.view.runAsync();
  }

  async function drawAll() {
    delete root.dataset.drawn;
    for (const chart of charts) {
      try {
        await draw(chart);
      } catch (error) {
        chart.place.textContent = "This picture could not be drawn; the table has the same data.";
        console.error(error);
      }
    }
    root.dataset.drawn = String(charts.length);
  }

  let waiting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 100);
  });
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : window.matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  drawAll();
})();
