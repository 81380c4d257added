/** The command lines of the kubectl plugins `kubectl ws` and `kubectl create workspace`. */
import { Command } from "commander";
import { packageVersion } from "../package-version.ts";
import { processTerminal } from "../process-terminal.ts";
import { configure, parse } from "../program.ts";
import type { Terminal } from "../terminal.ts";
import { type CreateOptions, createAndEnter } from "./create.ts";
import { createContext } from "./create-context.ts";
import { printCurrent } from "./print-current.ts";
import { type ConnectionFlags, openSession, type Session } from "./session.ts";
import { printTree } from "./tree.ts";
import { useWorkspace } from "./use.ts";

/** `kubectl ws`; answers the exit code. */
export async function runWs(
  args: readonly string[],
  terminal: Terminal = processTerminal(),
): Promise<number> {
  const program = newProgram("kubectl-ws", terminal)
    .description("Shows, enters, lists and creates workspaces")
    .usage("[create|create-context|use|current|tree|<workspace>|..|.|-|~|:|<:root:absolute:workspace>]")
    .enablePositionalOptions();
  const use = async (where: string, flags: ConnectionFlags & { short?: boolean }): Promise<void> =>
    withSession(flags, terminal, (session) => useWorkspace(session, where, flags.short === true));
  const current = async (flags: ConnectionFlags & { short?: boolean }): Promise<void> =>
    withSession(flags, terminal, (session) => printCurrent(terminal, session.server, flags.short === true));

  // Without a command word: enter the workspace that is named, or say which one is in use.
  withConnectionFlags(program)
    .argument("[workspace]")
    .option("--short", "print only the path, as for a shell prompt")
    .action((where: string | undefined, flags) => (where === undefined ? current(flags) : use(where, flags)));
  withConnectionFlags(program.command("use <workspace>").alias("cd"))
    .description(
      "Enter a workspace: - is the previous one, .. the parent, . the current one, ~ your home, : the root",
    )
    .option("--short", "print only the path")
    .action(use);
  withConnectionFlags(program.command("current"))
    .description("Print the current workspace")
    .option("--short", "print only the path")
    .action(current);
  withConnectionFlags(program.command("tree"), "workspace")
    .description("Print the workspaces below the current one")
    .option("-f, --full", "print whole paths")
    .action((flags) => withSession(flags, terminal, (session) => printTree(session, flags.full === true)));
  withConnectionFlags(program.command("create-context [name]"))
    .description("Make a kubeconfig context for the current workspace")
    .option("--overwrite", "overwrite the context if it exists")
    .action((name: string | undefined, flags) =>
      withSession(flags, terminal, (session) =>
        createContext(session, { name, overwrite: flags.overwrite === true, keepCurrent: false }),
      ),
    );
  addCreate(program.command("create <name>"), terminal);
  return (await parse(program, args, terminal)) ?? 0;
}

/** `kubectl create workspace`; answers the exit code. */
export async function runCreateWorkspace(
  args: readonly string[],
  terminal: Terminal = processTerminal(),
): Promise<number> {
  const program = addCreate(newProgram("kubectl-create-workspace", terminal).argument("<name>"), terminal);
  return (await parse(program, args, terminal)) ?? 0;
}

function newProgram(name: string, terminal: Terminal): Command {
  const program = new Command(name);
  configure(program, terminal);
  return program.version(packageVersion(), "--version", "print the version").helpCommand(false);
}

function addCreate(command: Command, terminal: Terminal): Command {
  return withConnectionFlags(command, "workspace")
    .description("Create a workspace below the current one")
    .option("--type <type>", "workspace type; the default depends on where the workspace is created")
    .option("--enter", "enter the new workspace")
    .option("--ignore-existing", "no error if the workspace exists; requires no or an absolute type path")
    .option("--create-context <name>", "make a kubeconfig context of this name for the new workspace")
    .action((name: string, flags: ConnectionFlags & Omit<CreateOptions, "name">) =>
      withSession(flags, terminal, (session) => createAndEnter(session, { ...flags, name })),
    );
}

/** The flags that choose server and credentials, with kubectl's names. */
function withConnectionFlags(command: Command, extra?: "workspace"): Command {
  command
    .allowExcessArguments(false)
    .option("--kubeconfig <file>", "kubeconfig file (default: $KUBECONFIG, then ~/.kube/config)")
    .option("--context <name>", "kubeconfig context to start from")
    .option("--user <name>", "kubeconfig user")
    .option("-s, --server <url>", "address of the server")
    .option("--token <token>", "bearer token")
    .option("--certificate-authority <file>", "CA certificates for the server")
    .option("--insecure-skip-tls-verify", "do not check the server's certificate")
    .option("--tls-server-name <name>", "name that the server's certificate is checked for");
  if (extra === "workspace")
    command.option("-w, --workspace <path>", "workspace to work in instead of the current one");
  return command;
}

async function withSession(
  flags: ConnectionFlags,
  terminal: Terminal,
  run: (session: Session) => Promise<void>,
): Promise<void> {
  const session = await openSession(flags, terminal);
  try {
    await run(session);
  } finally {
    session.close();
  }
}
