import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { readPlacement } from "../../cli/stack-config.ts";
import { prepareDataFolder, readSettings, StartFault } from "../../local/settings.ts";
import { system } from "../../system.ts";

describe("settings of spillway start", () => {
  test("have defaults", () => {
    expect(readSettings({}, "/shop")).toEqual({
      port: 8787,
      dataFolder: path.resolve("/shop/.spillway"),
      databaseUrl: undefined,
      replicas: { byName: {} },
      watch: true,
    });
  });

  test("are read from the environment", () => {
    const env = {
      PORT: "0",
      SPILLWAY_DATA: "/var/shop",
      DATABASE_URL: "postgresql://u:p@db/shop",
      SPILLWAY_REPLICAS: "3, orders=4",
      SPILLWAY_WATCH: "off",
    };
    expect(readSettings(env, "/shop")).toEqual({
      port: 0,
      dataFolder: path.resolve("/var/shop"),
      databaseUrl: "postgresql://u:p@db/shop",
      replicas: { listening: 3, byName: { orders: 4 } },
      watch: false,
    });
  });

  test.each(["0", "17", "two", "orders=", "orders=0", "=3", "1.5"])(
    "SPILLWAY_REPLICAS=%s is refused",
    (SPILLWAY_REPLICAS) => {
      expect(() => readSettings({ SPILLWAY_REPLICAS }, "/shop")).toThrow(
        new StartFault(
          `start "SPILLWAY_REPLICAS": "${SPILLWAY_REPLICAS}" is no number of replicas; write 1 to 16, or workload=number`,
        ),
      );
    },
  );

  test("SPILLWAY_WATCH takes on and off", () => {
    expect(() => readSettings({ SPILLWAY_WATCH: "yes" }, "/shop")).toThrow(
      new StartFault('start "SPILLWAY_WATCH": "yes" is neither; write on or off'),
    );
  });

  test.each(["abc", "-1", "65536", "80.5", " 80", "1e3", "999999"])(
    "PORT=%s is refused",
    (port) => {
      expect(() => readSettings({ PORT: port }, "/shop")).toThrow(
        new StartFault(
          `start "PORT": "${port}" is no port; use a number from 0 (any free one) to 65535`,
        ),
      );
    },
  );

  test.each([
    ["ceiling: 2", 'SPILLWAY_ADMISSION is no JSON object; write {"ceiling": 40}'],
    ['{"ceiling":"x"}', "SPILLWAY_ADMISSION: ceiling is no number of 0 or more"],
    ['{"ceiling":0}', "SPILLWAY_ADMISSION: floor 0, ceiling 0; use 1 <= floor <= ceiling"],
  ])("refuses %s as SPILLWAY_ADMISSION", (text, fault) => {
    const read = () => readSettings({ SPILLWAY_ADMISSION: text }, "/project");
    expect(read).toThrow(new StartFault(`start ${fault}`));
  });

  test.each(["-1", "1.5", "long", "100000"])("refuses %s as SPILLWAY_COLD_START_MS", (text) => {
    expect(() => readSettings({ SPILLWAY_COLD_START_MS: text }, "/project")).toThrow(
      `start "SPILLWAY_COLD_START_MS": "${text}" is no time; write milliseconds, 0 to 99999`,
    );
  });

  test.each(["http://:geheim@cache", "geheim"])("refuses %s as REDIS_URL, unsaid", (REDIS_URL) => {
    const read = () => readSettings({ REDIS_URL }, "/project");
    expect(read).toThrow(/^start "REDIS_URL": is no address of a Redis server; (?!.*geheim)/);
    expect(() =>
      readSettings({ REDIS_URL: "rediss://:geheim@cache:6379/0" }, "/project"),
    ).not.toThrow();
  });

  test.each(["mysql://root:geheim@db/shop", "geheim"])(
    "a DATABASE_URL that is none is refused without being shown",
    (url) => {
      const read = () => readSettings({ DATABASE_URL: url }, "/shop");
      expect(read).toThrow(/start "DATABASE_URL": is no Postgres address; write postgres:/);
      expect(read).not.toThrow(/geheim/);
    },
  );
});

describe("the data folder", () => {
  test("that lies under a file is refused", () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), "spillway-")), "file");
    writeFileSync(file, "");
    expect(() => prepareDataFolder(path.join(file, "data"))).toThrow(
      /start "SPILLWAY_DATA": .*data cannot be used \(ENOTDIR\); name a folder/,
    );
    expect(() => prepareDataFolder(file)).toThrow(StartFault);
  });
});

describe("hosts for one run", () => {
  const place = (own: string) => readPlacement("/no/project", "dev", system, own);

  test("go before the stack's", () => {
    expect(place("orders=container-with-overflow,fulfil=container")).toEqual({
      orders: "container-with-overflow",
      fulfil: "container",
    });
    expect(place("")).toEqual({});
  });

  test("are not looked for in a stack that is not there", () => {
    expect(() => readPlacement("/no/project", "nope", system)).toThrow(
      'start "SPILLWAY_STACK": there is no Pulumi.nope.yaml in /no/project; use the name of a stack',
    );
  });

  test("are refused by the name of what is wrong, all at once", () => {
    expect(() => place("nobody=function,orders=moon")).toThrow(
      /^start "SPILLWAY_PLACEMENT": placement\.nobody: there is no such workload; use one of .*\nstart "SPILLWAY_PLACEMENT": placement\.orders "moon"; use one of function, /,
    );
    expect(() => place("orders")).toThrow(/placement\.orders undefined; use one of/);
  });
});
