/** The command `myriad`: what its arguments mean. Each command's own code is loaded when it runs. */
import { Command, Option } from "commander";
import { OptionError, parseStartOptions } from "./options.ts";
import { packageVersion } from "./package-version.ts";
import { processTerminal } from "./process-terminal.ts";
import { startFlags } from "./start-flags.ts";
import { errorText, type Terminal } from "./terminal.ts";

/** Runs `myriad` with the arguments behind the program's name; answers the exit code. */
export async function runMyriad(
  args: readonly string[],
  terminal: Terminal = processTerminal(),
): Promise<number> {
  let exitCode = 0;
  const program = new Command("myriad");
  configure(program, terminal);
  program
    .description("A Kubernetes-compatible control plane without nodes: isolated workspaces in one server")
    .version(packageVersion(), "--version", "print the version")
    .helpCommand(false);
  const start = program.command("start").description("Start the server").allowExcessArguments(false);
  for (const { title, flags } of startFlags) {
    for (const flag of flags) {
      const option = new Option(flag.flags, flag.help).helpGroup(`${title}:`);
      if (flag.default !== undefined) option.description += ` (default ${flag.default})`;
      if (flag.preset !== undefined) option.preset(flag.preset);
      if (flag.list === true) {
        option.argParser((value: string, earlier: string[] | undefined) => [...(earlier ?? []), value]);
      }
      start.addOption(option);
    }
  }
  start.action(async (values) => {
    const options = parseStartOptions(values, terminal.workingDirectory);
    const { runStart } = await import("./start.ts");
    exitCode = await runStart(options, terminal);
  });

  const store = program.command("store").description("Look at the stored keys and values");
  store
    .command("get <key> [range-end]")
    .description("Print keys and values of the embedded store as etcdctl does, also while the server runs")
    .allowExcessArguments(false)
    .option("--prefix", "all keys that start with <key>")
    .option("--keys-only", "print the keys, not the values")
    .option("--print-value-only", "print the values, not the keys")
    .option("--rev <revision>", "read at this revision (default: the newest)")
    .option("--limit <number>", "print at most this many keys; 0 prints all", "0")
    .option("--root-directory <dir>", "where `myriad start` keeps its data", ".myriad")
    .action(async (key: string, rangeEnd: string | undefined, values) => {
      const { runStoreGet } = await import("./store-get.ts");
      await runStoreGet({ key, rangeEnd, ...values }, terminal);
    });

  return (await parse(program, args, terminal)) ?? exitCode;
}

/** Output goes to the terminal, and commander throws instead of ending the process. Subcommands inherit both. */
export function configure(program: Command, terminal: Terminal): void {
  program.exitOverride().configureOutput({
    writeOut: (text) => void terminal.out(text),
    writeErr: (text) => terminal.err(text),
    outputError: (text, write) => write(text),
  });
  program.showHelpAfterError("(--help lists the flags)").configureHelp({ helpWidth: 110 });
}

/** Runs the chosen command. Undefined when it ended well, else the exit code; the error is printed. */
export async function parse(
  program: Command,
  args: readonly string[],
  terminal: Terminal,
): Promise<number | undefined> {
  try {
    await program.parseAsync(args, { from: "user" });
    return undefined;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    // Commander has printed its own errors, help and version texts already.
    if (typeof code === "string" && code.startsWith("commander."))
      return (error as { exitCode?: number }).exitCode ?? 1;
    const hint = error instanceof OptionError ? "(--help lists the flags)\n" : "";
    terminal.err(errorText(error, terminal.env.MYRIAD_STACKS === "1") + hint);
    return 1;
  }
}
