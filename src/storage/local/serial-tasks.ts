/** Runs asynchronous tasks one after the other, in the order of their calls. */
export class SerialTasks {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task, task);
    this.#last = turn;
    // A failed task is its caller's business, and must not be an unhandled rejection here.
    turn.catch(() => {});
    return turn;
  }

  /** Resolves when everything asked for so far has ended. */
  async idle(): Promise<void> {
    await this.#last.catch(() => {});
  }
}
