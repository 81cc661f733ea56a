// What can be seen of the page, for the tests.
(() => {
  const seen = (box) => box.width > 0 && box.height > 0;
  const inLegend = (node) => node.closest(".role-legend, .role-axis") !== null;
  const box = (node) => node.getBoundingClientRect();
  const shapes = { rect: "path", symbol: "path", line: "path", rule: "line", text: "text" };

  function marks() {
    const found = {};
    for (const chart of document.querySelectorAll(".chart")) {
      const counts = {};
      for (const [mark, shape] of Object.entries(shapes)) {
        const groups = [...chart.querySelectorAll(`.mark-${mark}.role-mark`)].filter((group) => !inLegend(group));
        const count = groups.reduce((sum, group) => sum + group.querySelectorAll(shape).length, 0);
        if (count) counts[mark] = count;
      }
      found[chart.id.replace("chart-", "")] = counts;
    }
    return found;
  }

  // Texts of the page that nothing hides: those of charts, and those of elements that hold text themselves.
  function shown() {
    const found = [];
    for (const node of document.querySelectorAll("svg text")) if (node.textContent.trim()) found.push(node);
    for (const node of document.querySelectorAll("h1, h2, p, dt, dd, figcaption, caption, th, td, summary, button, a")) {
      if (node.checkVisibility() && node.textContent.trim()) found.push(node);
    }
    return found.filter((node) => seen(box(node)));
  }

  const slanted = (node) => /rotate/.test(node.getAttribute("transform") ?? "");
  const where = (node) => `${node.tagName} ${node.textContent.slice(0, 60)}`;

  // How far two slanted texts of one axis are from each other, across their direction.
  function apart(one, other) {
    const place = (node) => node.getAttribute("transform").match(/translate\(([-\d.]+),\s*([-\d.]+)\)/).slice(1).map(Number);
    const [ax, ay] = place(one);
    const [bx, by] = place(other);
    return Math.abs((ax - bx) * Math.SQRT1_2 + (by - ay) * Math.SQRT1_2);
  }

  function overlapping() {
    const nodes = shown().map((node) => ({ node, at: box(node) })).sort((a, b) => a.at.top - b.at.top);
    const found = [];
    nodes.forEach(({ node, at }, index) => {
      for (let next = index + 1; next < nodes.length && nodes[next].at.top < at.bottom - 1; next += 1) {
        const { node: other, at: where2 } = nodes[next];
        if (node.contains(other) || other.contains(node)) continue;
        const width = Math.min(at.right, where2.right) - Math.max(at.left, where2.left);
        const height = Math.min(at.bottom, where2.bottom) - where2.top;
        if (width < 1 || height < 2) continue;
        if (slanted(node) && slanted(other) && apart(node, other) >= 10) continue;
        found.push([where(node), where(other)]);
      }
    });
    return found;
  }

  // Texts of charts that stand outside of their picture.
  function cut() {
    return [...document.querySelectorAll(".chart svg")].flatMap((svg) => {
      const frame = box(svg);
      return [...svg.querySelectorAll("text")]
        .filter((node) => node.textContent.trim() && seen(box(node)))
        .filter((node) => {
          const at = box(node);
          // The box around a slanted text is larger than the text.
          const room = slanted(node) ? 8 : 1;
          return (
            at.left < frame.left - room || at.right > frame.right + room ||
            at.top < frame.top - room || at.bottom > frame.bottom + room
          );
        })
        .map(where);
    });
  }

  // What is wider than the window; tables may be, and are scrolled in their own frame.
  function tooWide() {
    const width = document.documentElement.clientWidth;
    const found = document.documentElement.scrollWidth > width ? ["the page"] : [];
    for (const node of document.querySelectorAll("header *, nav *, section > *, figure, figure *, footer *")) {
      if (node.checkVisibility() && box(node).right > width + 1 && !node.closest("svg")) found.push(where(node));
    }
    return found;
  }

  const focusable = "a[href], button, summary, [tabindex='0']";
  window.look = {
    marks, overlapping, cut, tooWide,
    texts: () => [...document.querySelectorAll("svg text")].map((node) => node.textContent),
    background: () => getComputedStyle(document.body).backgroundColor,
    reachable: () => [...document.querySelectorAll(focusable)].filter((node) => node.checkVisibility()).length,
    focused: () => [...document.querySelectorAll(focusable)].indexOf(document.activeElement),
    // How many lines the tallest row of a table has.
    lines: (caption) => {
      const table = [...document.querySelectorAll("table")].find((one) => one.caption.textContent === caption);
      const tallest = Math.max(...[...table.tBodies[0].rows].map((row) => box(row).height));
      return tallest / parseFloat(getComputedStyle(table).lineHeight);
    },
    firstMark: (chart) => {
      const at = box(document.querySelector(`#chart-${chart} .mark-rect.role-mark path`));
      return { x: at.left + at.width / 2, y: at.top + at.height / 2 };
    },
  };
})();
