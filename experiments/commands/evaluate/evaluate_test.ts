import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { rgbImage, writePng } from "@dip-go/core/pictures";
import { unstacked } from "@dip-go/core/tensor";
import { evaluatePictures } from "@dip-go/eval";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { openPictureFeatures } from "@dip-go/zoo/classifiers";
import { referencePictures } from "@dip-go/zoo/data";
import { generateCommand } from "../generate.ts";
import { evaluateCommand } from "../evaluate.ts";

const classifier = "zoo/models/shapes-classifier";

/** Runs `use` with the folders `a` and `b`, of 20 drawn shapes each. */
const inTwoFolders = (use: (folder: string) => Promise<void>) =>
  inTemporaryFolder(async (folder) => {
    for (const [seed, name] of ["a", "b"].entries()) {
      await Deno.mkdir(`${folder}/${name}`);
      const images = referencePictures("shapes", { count: 20, seed });
      for (const [i, image] of unstacked(images).entries()) {
        await writePng(`${folder}/${name}/${i}.png`, {
          image: rgbImage(image),
        });
      }
    }
    await use(folder);
  });

Deno.test("evaluate prints what evaluatePictures() measures, as a table or JSON", () =>
  inTwoFolders(async (folder) => {
    const [own, reference] = [`${folder}/a`, `${folder}/b`];
    const all = "psnr,ssim,fid,kid,precision-recall";
    const args = [own, "--reference", reference, "--features", classifier];
    const json = await evaluateCommand([...args, "--metrics", all, "--json"]);
    assertEquals(json.error, undefined);
    await using features = await openPictureFeatures(classifier);
    const expected = await evaluatePictures(own, {
      reference,
      features,
      metrics: ["psnr", "ssim", "fid", "kid", "precision-recall"],
    });
    assertEquals(
      JSON.parse(json.lines[0]),
      JSON.parse(JSON.stringify(expected)),
    );
    const { lines } = await evaluateCommand(args);
    assertEquals(lines.length, 4);
    assert(lines[1].startsWith("PSNR (dB) ↑"));
    assertAlmostEquals(
      Number(lines[1].split(/ +/)[3]),
      expected.psnr.mean,
      0.006,
    );
    assert(lines[3].startsWith("FID ↓") && lines[3].endsWith("20"));
  }));

Deno.test("evaluate reads folders that generate writes", () =>
  inTemporaryFolder(async (folder) => {
    for (const [name, steps] of [["few", "2"], ["more", "3"]]) {
      const { error } = await generateCommand([
        ...["--count", "20", "--steps", steps, "-o", `${folder}/${name}`],
      ]);
      assertEquals(error, undefined);
    }
    const { lines, error } = await evaluateCommand([
      ...[`${folder}/few`, "--reference", `${folder}/more`],
      ...["--features", classifier, "--json"],
    ]);
    assertEquals(error, undefined);
    const { psnr, ssim, fid } = JSON.parse(lines[0]);
    assertEquals([psnr.n, ssim.n, fid.n], [20, 20, 20]);
    assert(psnr.mean < 100 && fid.mean > 0);
  }));

Deno.test("evaluate says what is missing", () =>
  inTwoFolders(async (folder) => {
    const args = [`${folder}/a`, "--reference", `${folder}/b`];
    const refusals: [string[], string][] = [
      [[`${folder}/a`], "expected one folder of pictures, and --reference"],
      [args.slice(1), "expected one folder of pictures"],
      [[...args, "--metrics", "psnr,is"], "expected one of psnr, ssim, lpips"],
      [[...args, "--metrics", "fid"], "fid needs features"],
      [[...args, "--metrics", "lpips"], "LPIPS has two files"],
      [[...args, "--lpips-weights", "x"], "expected both --lpips-backbone and"],
      [["none", "--reference", folder], "none"],
      [[`${folder}/a`, "--reference", folder], "found no PNG, JPEG"],
    ];
    for (const [args, message] of refusals) {
      const { error = "" } = await evaluateCommand(args);
      assert(error.includes(message), `${error} has no ${message}`);
    }
  }));
