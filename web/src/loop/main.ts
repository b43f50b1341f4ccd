import { mount } from "svelte";
import "../app.css";
import "./loop.css";
import Loop from "./Loop.svelte";

mount(Loop, { target: document.getElementById("app")! });
