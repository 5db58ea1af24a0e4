import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { paint } from "./render.ts";
import {
  captionOf,
  describeScene,
  drawCaptioned,
  drawScene,
  isReserved,
  kindNames,
  kindOf,
  paintingOf,
  redrawn,
  renderScenes,
  sceneShapes,
  sceneSize,
  vocabulary,
} from "./scenes.ts";
import { colours } from "./shapes.ts";
import { SplitMix32 } from "./uniform.ts";

Deno.test("the star is the pentagram's outline: it covers the points within its ten corners", () => {
  const star = sceneShapes.find(({ name }) => name === "star")!;
  const inner = (3 - Math.sqrt(5)) / 2; // the golden ratio to the power of -2
  const corners = Array.from({ length: 10 }, (_, i) => {
    const radius = i % 2 === 0 ? 1 : inner;
    const angle = i * Math.PI / 5;
    return [radius * Math.sin(angle), -radius * Math.cos(angle)];
  });
  const isInside = (x: number, y: number) =>
    corners.reduce((inside, [ax, ay], i) => {
      const [bx, by] = corners[(i + 1) % 10];
      const crosses = (ay > y) !== (by > y) &&
        x < ax + (y - ay) / (by - ay) * (bx - ax);
      return crosses ? !inside : inside;
    }, false);
  const { uniform } = new SplitMix32(0);
  for (let i = 0; i < 2000; i++) {
    const [x, y] = [2.4 * uniform() - 1.2, 2.4 * uniform() - 1.2];
    const d = star.distance(x, y);
    if (Math.abs(d) > 1e-9) assertEquals(d < 0, isInside(x, y), `${x}, ${y}`);
  }
  for (const [x, y] of corners) {
    assertAlmostEquals(star.distance(x, y), 0, 1e-12);
  }
});

Deno.test("objects lie in the picture and do not touch", () => {
  const { uniform } = new SplitMix32(1);
  for (let i = 0; i < 2000; i++) {
    const { objects } = paintingOf(drawScene(uniform), uniform);
    for (const { x, y, radius } of objects) {
      for (const centre of [x, y]) {
        assert(centre - radius > 0 && centre + radius < 1);
      }
    }
    if (objects.length === 1) continue;
    const [a, b] = objects;
    assert(Math.hypot(a.x - b.x, a.y - b.y) > a.radius + b.radius);
  }
});

Deno.test("a caption names every object's colour and shape in order, in words of the vocabulary, and says nothing false", () => {
  const { uniform } = new SplitMix32(2);
  for (let i = 0; i < 2000; i++) {
    const { scene, caption } = drawCaptioned(uniform);
    const phrases = caption.split(" and ");
    assertEquals(phrases.length, scene.objects.length);
    scene.objects.forEach((object, n) => {
      assert(phrases[n].includes(kindNames[kindOf(object)]));
      const isSmall = object.size === 0;
      assert(!phrases[n].match(isSmall ? /large|big/ : /small|tiny/));
      const [, left] = phrases[n].match(/on the (left|right)/) ?? [];
      if (left) assertEquals(object.place, left === "left" ? 1 : 2);
    });
    for (const word of caption.replaceAll(",", " ,").split(" ")) {
      assert(vocabulary.includes(word), word);
    }
  }
});

Deno.test("redrawn() keeps what a description names and draws the rest as drawScene() does", () => {
  const { uniform } = new SplitMix32(7);
  const seen = { grounds: new Set(), sizes: new Set(), places: new Set() };
  for (let i = 0; i < 2000; i++) {
    const scene = drawScene(uniform);
    const description = describeScene(scene, uniform);
    const other = redrawn(scene, description, uniform);
    assertEquals(other.objects.map(kindOf), scene.objects.map(kindOf));
    if (description.ground) assertEquals(other.ground, scene.ground);
    else seen.grounds.add(other.ground);
    other.objects.forEach(({ size, place }, n) => {
      const named = description.objects[n];
      if (named.size) assertEquals(size, scene.objects[n].size);
      else seen.sizes.add(size);
      if (named.place) assertEquals(place, scene.objects[n].place);
      else seen.places.add(`${place} of ${other.objects.length}`);
    });
    if (other.objects.length === 2) {
      const places = other.objects.map(({ place }) => place);
      assert(["1,2", "3,4"].includes(places.toSorted().join()), `${places}`);
    }
  }
  assertEquals(
    [seen.grounds.size, seen.sizes.size, seen.places.size],
    [3, 2, 9],
  );
});

Deno.test("kinds are shapes by colours, and two objects are of different kinds", () => {
  assertEquals(kindNames.length, sceneShapes.length * colours.length);
  assertEquals(
    kindNames[kindOf({ shape: 5, colour: 2, size: 0, place: 0 })],
    "blue star",
  );
  const { uniform } = new SplitMix32(3);
  for (let i = 0; i < 500; i++) {
    const kinds = drawScene(uniform).objects.map(kindOf);
    assertEquals(new Set(kinds).size, kinds.length);
  }
});

Deno.test("isReserved() keeps some pairs of kinds back, in either order, and no single object", () => {
  const { uniform } = new SplitMix32(3);
  const scenes = Array.from({ length: 2000 }, () => drawScene(uniform));
  for (const scene of scenes) {
    const { objects } = scene;
    if (objects.length === 1) assert(!isReserved(scene));
    const turned = { ...scene, objects: objects.toReversed() };
    assertEquals(isReserved(turned), isReserved(scene));
  }
  const share = scenes.filter(isReserved).length / scenes.length;
  assertAlmostEquals(share, 0.5 / 8, 0.02);
});

Deno.test("a picture shows the object's colour at its centre and the ground in the corners", () => {
  const { uniform } = new SplitMix32(4);
  const scene = {
    ground: 0,
    objects: [{ shape: 1, colour: 0, size: 1, place: 0 }],
  };
  const { data, shape } = renderScenes([scene], uniform);
  assertEquals(shape, [1, 3, sceneSize, sceneSize]);
  const plane = sceneSize * sceneSize;
  const middle = plane / 2 + sceneSize / 2;
  const at = (channel: number, i: number) =>
    (data[channel * plane + i] + 1) / 2;
  assertAlmostEquals(at(0, middle), colours[0].rgb[0], 0.1);
  for (const channel of [0, 1, 2]) assert(at(channel, 0) < 0.22);
});

Deno.test("pictures and captions depend on the generator's state alone", () => {
  const draw = () => {
    const { uniform } = new SplitMix32(5);
    const { scene, caption } = drawCaptioned(uniform);
    return { caption, picture: renderScenes([scene], uniform).data };
  };
  assertEquals(draw(), draw());
  const { uniform } = new SplitMix32(6);
  const scene = drawScene(uniform);
  assert(
    new Set(Array.from({ length: 20 }, () => captionOf(scene, uniform))).size >
      3,
  );
});

Deno.test("paint() draws later objects in front", () => {
  const out = new Float32Array(3 * 16);
  const still = { angle: 0, amount: 0 };
  const disc = (rgb: readonly [number, number, number]) => ({
    shape: sceneShapes[0],
    colour: rgb,
    x: 0.5,
    y: 0.5,
    radius: 0.9,
    rotation: 0,
    light: still,
  });
  paint(out, 4, {
    background: [0, 0, 0],
    backgroundGradient: still,
    objects: [disc([1, 0, 0]), disc([0, 1, 0])],
  });
  assertEquals([out[5], out[16 + 5]], [-1, 1]);
});
