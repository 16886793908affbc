// Tells the server of outputs and metrics, by lines on standard output.
const tell = (message) => console.log("::" + JSON.stringify(message) + "::");
const measure = (name, type, value, tags) => tell({ metrics: [{ name, type, value, tags: tags || {} }] });

module.exports = {
  outputs: (values) => tell({ outputs: values }),
  counter: (name, value, tags) => measure(name, "counter", value, tags),
  // Records a number of seconds, or how long a function takes until it calls what it is given.
  timer: (name, duration, tags) => {
    if (typeof duration !== "function") {
      measure(name, "timer", duration, tags);
      return;
    }
    const began = Date.now();
    duration(() => measure(name, "timer", (Date.now() - began) / 1000, tags));
  },
};
