// Where things stand in a picture of the graph, in pixels: on their hosts, or whoever needs somebody above them.
const [CELL, TALL, PAD, HEAD, GAP] = [112, 82, 8, 26, 12];
const SWEEPS = 3;

const turned = (things, edges) => {
  const ids = new Set(things.map((one) => one.id));
  const [needs, users] = [new Map(), new Map()];
  for (const id of ids) {
    needs.set(id, []);
    users.set(id, []);
  }
  for (const [who, what] of edges)
    if (who !== what && ids.has(who) && ids.has(what)) {
      needs.get(who).push(what);
      users.get(what).push(who);
    }
  return { needs, users };
};

// {id: how far below those whom nobody needs}; in a ring, whoever comes first stands above.
export function levels(things, edges) {
  const { needs, users } = turned(things, edges);
  const waiting = new Map(things.map((one) => [one.id, users.get(one.id).length]));
  const level = new Map(things.map((one) => [one.id, 0]));
  while (waiting.size) {
    const ready = [...waiting.keys()].filter((id) => waiting.get(id) <= 0);
    if (!ready.length) ready.push([...waiting.keys()].reduce((best, id) => (waiting.get(id) < waiting.get(best) ? id : best)));
    for (const id of ready) {
      waiting.delete(id);
      for (const other of needs.get(id))
        if (waiting.has(other)) {
          level.set(other, Math.max(level.get(other), level.get(id) + 1));
          waiting.set(other, waiting.get(other) - 1);
        }
    }
  }
  for (const { id } of things) // down to just above what it needs
    if (!users.get(id).length && needs.get(id).length) level.set(id, Math.max(0, Math.min(...needs.get(id).map((one) => level.get(one))) - 1));
  return level;
}

const mean = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / (numbers.length || 1);

// Boxes of hosts from left to right, row by row; who needs much of others stands in the first ones.
export function by_host(things, edges, width) {
  const level = levels(things, edges);
  const groups = new Map();
  for (const one of [...things].sort((a, b) => level.get(a.id) - level.get(b.id) || (a.name < b.name ? -1 : 1))) {
    if (!groups.has(one.place)) groups.set(one.place, []);
    groups.get(one.place).push(one);
  }
  const most = Math.max(1, Math.floor((width - 2 * PAD) / CELL));
  const rows = [];
  let left = 0;
  const depth = ([, some]) => mean(some.map((one) => level.get(one.id)));
  for (const [name, some] of [...groups].sort((a, b) => depth(a) - depth(b))) {
    const columns = Math.min(most, some.length, Math.max(2, Math.ceil(Math.sqrt(some.length * 2))));
    const box = { name, some, columns, width: columns * CELL + 2 * PAD, height: Math.ceil(some.length / columns) * TALL + HEAD };
    if (!rows.length || left - width > box.width || left + box.width > width) {
      rows.push([]);
      left = 0;
    }
    rows.at(-1).push(box);
    left += box.width + GAP;
  }
  const [places, boxes] = [new Map(), []];
  let top = 0;
  for (const row of rows) {
    const spare = width - row.reduce((sum, box) => sum + box.width, GAP * (row.length - 1));
    const height = Math.max(...row.map((box) => box.height));
    left = 0;
    for (const box of row) {
      const wide = Math.min(box.width + spare / row.length, box.width * 1.6, width);
      const cell = (wide - 2 * PAD) / box.columns;
      boxes.push({ name: box.name, x: left, y: top, width: wide, height });
      box.some.forEach((one, at) => places.set(one.id, [left + PAD + cell * ((at % box.columns) + 0.5), top + HEAD + 20 + TALL * Math.floor(at / box.columns)]));
      left += wide + GAP;
    }
    top += height + GAP;
  }
  return { places, boxes, height: Math.max(top - GAP, TALL), cell: CELL };
}

// Whoever needs somebody above them; those without an edge at the end. Within a row, near to whom they belong with.
export function by_need(things, edges, width) {
  const { needs, users } = turned(things, edges);
  const level = levels(things, edges);
  const alone = (id) => !needs.get(id).length && !users.get(id).length;
  const rows = [];
  for (const one of things) if (!alone(one.id)) (rows[level.get(one.id)] ??= []).push(one.id);
  const filled = rows.filter(Boolean);
  const order = new Map();
  const number = (row) => row.forEach((id, at) => order.set(id, (at + 0.5) / row.length));
  filled.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep++)
    for (const [row, near] of [...filled.map((row) => [row, users]), ...[...filled].reverse().map((row) => [row, needs])]) {
      const wish = new Map(row.map((id) => [id, near.get(id).length ? mean(near.get(id).map((one) => order.get(one))) : order.get(id)]));
      row.sort((a, b) => wish.get(a) - wish.get(b));
      number(row);
    }
  const rest = things.map((one) => one.id).filter(alone);
  const most = Math.max(1, Math.floor(width / CELL));
  const [places, boxes] = [new Map(), []];
  let top = 24;
  const put = (row, gap) => {
    for (let from = 0; from < row.length; from += most) {
      const part = row.slice(from, from + most);
      const cell = Math.min(width / part.length, CELL * 1.8);
      part.forEach((id, at) => places.set(id, [width / 2 + cell * (at + 0.5 - part.length / 2), top]));
      top += TALL + gap;
    }
  };
  for (const row of filled) put(row, 30);
  if (rest.length) {
    if (filled.length) {
      boxes.push({ name: "needs nobody, needed by nobody", x: 0, y: top - 22, width, height: Math.ceil(rest.length / most) * TALL + HEAD });
      top += HEAD - 2;
    }
    put(rest, 0);
  }
  return { places, boxes, height: top - (rest.length ? 18 : 30), cell: CELL };
}
